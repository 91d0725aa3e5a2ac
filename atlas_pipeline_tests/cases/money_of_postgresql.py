"""The type money is read by its value, for its text depends on the server's locale."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "The type money",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="MONEY"),
    ("1234.50", Lands("decimal", "1234.50")),
    ("-0.01", Lands("decimal", "-0.01")),
    absent={"sqlite": "it has no such type"},
)
