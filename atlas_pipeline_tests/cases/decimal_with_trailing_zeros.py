"""1.50 is not 1.5: the scale arrives. PostgreSQL knows one zero only."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Trailing zeros of decimal numbers",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC"),
    ("1.5", Lands("decimal", "1.5")),
    ("1.50", Lands("decimal", "1.50")),
    ("1.500", Lands("decimal", "1.500")),
    ("0.00", Lands("decimal", "0.00")),
    ("-0.00", Per(Lands("decimal", "-0.00"), Lands("decimal", "0.00"))),
    ways=WAYS,
)
