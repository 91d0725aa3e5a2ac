"""A NUMERIC column of SQLite holds doubles: what it has lost is lost before anybody reads it."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

DIGITS = "1234567890123456789012345678901234"

CASE = values(
    "Decimal numbers in a NUMERIC column",
    column(ValueType.DECIMAL, sqlite="NUMERIC", postgresql="NUMERIC"),
    ("1.10", Per(Lands("decimal", "1.1"), Lands("decimal", "1.10"))),
    ("5", Lands("decimal", "5")),
    (0.1 + 0.2, Per(Lands("decimal", "0.30000000000000004"), Lands("decimal", "0.3"))),
    (DIGITS, Per(Lands("decimal", "1.2345678901234568E+33"), Lands("decimal", DIGITS))),
)
