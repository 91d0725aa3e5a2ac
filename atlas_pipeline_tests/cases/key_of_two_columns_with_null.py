"""A key that is NULL in part is no key. Several such rows are no repeats of each other."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import WAYS, Lands, Rejected
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "Composite keys with NULL",
    (text("room"), integer("seat")),
    (("a", 1), Lands("object", {"room": "a", "seat": 1})),
    (("a", None), Rejected(RejectCode.NULL_VALUE, "seat")),
    ((None, 1), Rejected(RejectCode.NULL_VALUE, "room")),
    ((None, None), Rejected(RejectCode.NULL_VALUE, "room")),
    (("b", 1), Lands("object", {"room": "b", "seat": 1})),
    neighbour_key=("z", 9),
    ways=WAYS,
)
