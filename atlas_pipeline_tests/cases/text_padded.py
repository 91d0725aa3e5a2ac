"""The blanks with which PostgreSQL pads a CHAR are no part of the value; those of SQLite are."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text of a fixed length",
    column(ValueType.TEXT, sqlite="CHAR(5)", postgresql="CHAR(5)"),
    ("ab", Lands("string", "ab")),
    ("ab   ", Per(Lands("string", "ab   "), Lands("string", "ab"))),
    (" ab", Lands("string", " ab")),
)
