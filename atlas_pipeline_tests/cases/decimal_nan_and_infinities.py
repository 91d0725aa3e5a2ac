"""Decimal128 holds them, and PostgreSQL means them. In SQLite they are words, not numbers."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "NaN and the infinities as decimal numbers",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC"),
    ("NaN", Per(Rejected(RejectCode.NOT_NUMBER), Lands("decimal", "NaN"))),
    ("Infinity", Per(Rejected(RejectCode.NOT_NUMBER), Lands("decimal", "Infinity"))),
    ("-Infinity", Per(Rejected(RejectCode.NOT_NUMBER), Lands("decimal", "-Infinity"))),
    ways=WAYS,
)
