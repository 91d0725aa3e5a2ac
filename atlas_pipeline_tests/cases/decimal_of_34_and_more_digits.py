"""Decimal128 has 34 digits. What has more is refused, unless a policy says what becomes of it."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

DIGITS = "12345678901234567890123456789012345678"

CASE = values(
    "Decimal numbers of 34, 35 and 38 digits",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC"),
    (DIGITS[:34], Lands("decimal", DIGITS[:34])),
    (f"-0.{DIGITS[:34]}", Lands("decimal", f"-0.{DIGITS[:34]}")),
    (DIGITS[:35], Rejected(RejectCode.NOT_NUMBER)),
    (f"{DIGITS[:20]}.{DIGITS[20:]}", Rejected(RejectCode.NOT_NUMBER)),
    (f"1.{'0' * 34}", Rejected(RejectCode.NOT_NUMBER)),
)
