"""The key is a sub-document, its columns in key order."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Composite keys",
    (text("room"), column(ValueType.INTEGER, sqlite="INTEGER", postgresql="BIGINT", name="seat")),
    (("a", 1), Lands("object", {"room": "a", "seat": 1})),
    (("a", 2), Lands("object", {"room": "a", "seat": 2})),
    (("", -1), Lands("object", {"room": "", "seat": -1})),
    (("B", 2**31), Lands("object", {"room": "B", "seat": 2**31})),
    neighbour_key=("z", 9),
    ways=WAYS,
)
