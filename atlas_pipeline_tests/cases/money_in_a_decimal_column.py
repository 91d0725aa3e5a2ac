"""No currency sign and no separator of thousands is guessed away."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Money-like text in a column of decimal numbers",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC"),
    ("$1,234.50", Per(Rejected(RejectCode.NOT_NUMBER), Unheld("a NUMERIC has no currency"))),
    ("1,5", Per(Rejected(RejectCode.NOT_NUMBER), Unheld("a NUMERIC has a point"))),
    (" 5", Per(Rejected(RejectCode.NOT_NUMBER), Lands("decimal", "5"))),
    ("+5.00", Lands("decimal", "5.00")),
)
