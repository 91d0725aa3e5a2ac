"""Upper and lower case, hyphens or none: several texts are one UUID, so that a key of them would not be one to one."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import sqlite_catalog, table

CASE = RefusedCase(
    says="Texts read as UUIDs as keys",
    specs=lambda: sqlite_catalog(table(ColumnSpec(name="k", sql_type="CHAR(36)", value=ValueType.UUID), key=("k",))),
    because="several texts in SQLite are one",
    absent={"postgresql": "it has a type for UUIDs"},
)
