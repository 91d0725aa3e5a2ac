"""A NULL is no key, however many rows have it."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands, Rejected
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "NULL as a key",
    (text("k"),),
    (("a",), Lands("string", "a")),
    ((None,), Rejected(RejectCode.NULL_VALUE, "k")),
    ((None,), Rejected(RejectCode.NULL_VALUE, "k")),
    neighbour_key=("z",),
    ways=WAYS,
)
