"""A REAL of PostgreSQL is widened exactly: it was never 0.1."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Numbers of single precision",
    column(ValueType.DOUBLE, sqlite="FLOAT", postgresql="REAL"),
    (0.1, Per(Lands("double", 0.1), Lands("double", 0.10000000149011612))),
    (0.5, Lands("double", 0.5)),
)
