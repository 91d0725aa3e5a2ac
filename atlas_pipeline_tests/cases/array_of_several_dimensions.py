"""Arrays of several dimensions are nested ones."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Arrays of several dimensions",
    ColumnSpec(name="v", sql_type="INTEGER[]", value=ValueType.ARRAY, items=ValueType.INTEGER),
    ([[1, 2], [3, 4]], Lands("array", [[1, 2], [3, 4]])),
    ([[[1], [None]]], Lands("array", [[[1], [None]]])),
    ([[1, 2, 3]], Lands("array", [[1, 2, 3]])),
    absent={"sqlite": "it has no arrays"},
    ways=WAYS,
)
