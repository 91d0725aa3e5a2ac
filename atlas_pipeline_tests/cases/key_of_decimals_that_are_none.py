"""PostgreSQL's NUMERIC has a NaN, which is greater than all numbers there, and smaller in MongoDB."""

from __future__ import annotations

from decimal import Decimal

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "NaN as a key",
    (ColumnSpec(name="k", sql_type="NUMERIC", value=ValueType.DECIMAL),),
    (("-1",), Lands("decimal", "-1")),
    (("1",), Lands("decimal", "1")),
    (("NaN",), Lands("decimal", "NaN")),
    absent={"sqlite": "it has none"},
    neighbour_key=Per((99,), (Decimal(99),)),
)
