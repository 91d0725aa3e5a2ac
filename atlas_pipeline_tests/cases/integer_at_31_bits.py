"""An int32 as long as one holds the number, then an int64."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Integers at 2^31",
    column(ValueType.INTEGER, sqlite="INTEGER", postgresql="BIGINT"),
    (0, Lands("int", 0)),
    (2**31 - 1, Lands("int", 2**31 - 1)),
    (2**31, Lands("long", 2**31)),
    (-(2**31), Lands("int", -(2**31))),
    (-(2**31) - 1, Lands("long", -(2**31) - 1)),
)
