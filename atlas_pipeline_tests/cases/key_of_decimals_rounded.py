"""Two numbers that differ in their last digit would round to one key."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="Rounded decimal numbers as keys",
    specs=lambda: table(ColumnSpec(name="k", sql_type="NUMERIC", value=ValueType.DECIMAL, inexact="round"), key=("k",)),
    because="key column k",
)
