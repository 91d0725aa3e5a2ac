"""The policy `round` keeps 34 digits, half to even, and counts what it touched."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

DIGITS = "1234567890123456789012345678901234"

CASE = values(
    "Decimal numbers of more than 34 digits with the policy round",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC", inexact="round"),
    (DIGITS, Lands("decimal", DIGITS)),
    (f"{DIGITS}5", Lands("decimal", "1.234567890123456789012345678901234E+34")),
    (f"{DIGITS[:33]}55", Lands("decimal", "1.234567890123456789012345678901236E+34")),
    (f"{DIGITS}51", Lands("decimal", "1.234567890123456789012345678901235E+35")),
    touched=3,
)
