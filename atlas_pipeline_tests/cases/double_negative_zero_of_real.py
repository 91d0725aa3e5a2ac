"""A REAL column of SQLite stores whole numbers as integers, which have one zero only."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Minus zero in a REAL column",
    column(ValueType.DOUBLE, sqlite="REAL", postgresql="REAL"),
    (-0.0, Per(Lands("double", 0.0), Lands("double", -0.0))),
)
