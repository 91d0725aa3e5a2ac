"""In SQLite 1.0 and 1.00 can be two texts, and two keys. Read as numbers they would be one."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import sqlite_catalog, table

CASE = RefusedCase(
    says="Texts read as decimal numbers as keys",
    specs=lambda: sqlite_catalog(table(ColumnSpec(name="k", sql_type="TEXT", value=ValueType.DECIMAL), key=("k",))),
    because="several texts in SQLite are one",
    absent={"postgresql": "it has a type for decimal numbers"},
)
