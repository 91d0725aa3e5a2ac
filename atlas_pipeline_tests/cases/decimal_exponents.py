"""The exponents that Decimal128 has. PostgreSQL writes large ones as zeros, which are digits."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Decimal numbers of extreme exponents",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC"),
    ("1E-6176", Lands("decimal", "1E-6176")),
    ("1E-6177", Rejected(RejectCode.NOT_NUMBER)),
    ("1E+6111", Per(Lands("decimal", "1E+6111"), Rejected(RejectCode.NOT_NUMBER))),
    ("1E+6112", Rejected(RejectCode.NOT_NUMBER)),
)
