"""The policy `text` keeps every digit, as text where Decimal128 has no room for them."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

DIGITS = "12345678901234567890123456789012345678"

CASE = values(
    "Decimal numbers of more than 34 digits with the policy text",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC", inexact="text"),
    ("1.50", Lands("decimal", "1.50")),
    (DIGITS, Lands("string", DIGITS)),
    (f"-0.{DIGITS}", Lands("string", f"-0.{DIGITS}")),
    touched=2,
)
