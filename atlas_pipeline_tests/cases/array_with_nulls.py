"""Items may be null, and each has its own width."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Arrays with NULLs",
    ColumnSpec(name="v", sql_type="BIGINT[]", value=ValueType.ARRAY, items=ValueType.INTEGER, nullable=True),
    ([1, None, 2**31], Lands("array", [1, None, 2**31])),
    ([None, None], Lands("array", [None, None])),
    ([], Lands("array", [])),
    (None, Lands("null")),
    absent={"sqlite": "it has no arrays"},
    ways=WAYS,
)
