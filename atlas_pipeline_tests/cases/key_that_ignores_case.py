"""Where a column compares without case, two rows differ in nothing but that. MongoDB tells them apart, and so do we."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Keys in a column that ignores case",
    (column(ValueType.TEXT, sqlite="TEXT COLLATE NOCASE", postgresql="TEXT", name="k"),),
    (("a",), Lands("string", "a")),
    (("A",), Lands("string", "A")),
    (("b",), Lands("string", "b")),
    (("B",), Lands("string", "B")),
    neighbour_key=("z",),
)
