"""PostgreSQL rounds to hundreds when it is written; a text with an exponent keeps it."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Decimal numbers of negative scale",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC(7, -2)"),
    (Per("1.23E+4", "12345"), Per(Lands("decimal", "1.23E+4"), Lands("decimal", "12300"))),
    (Per("0E+2", "49"), Per(Lands("decimal", "0E+2"), Lands("decimal", "0"))),
)
