"""With the policy text a key would be a date or a text, which the two sides order differently."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="Days with the policy text as keys",
    specs=lambda: table(ColumnSpec(name="k", sql_type="DATE", value=ValueType.DATE, inexact="text"), key=("k",)),
    because="key column k",
)
