"""Doubles whose decimal text is long are not rounded on the way."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Doubles of seventeen digits",
    column(ValueType.DOUBLE, sqlite="REAL", postgresql="DOUBLE PRECISION"),
    (0.1, Lands("double", 0.1)),
    (0.1 + 0.2, Lands("double", 0.30000000000000004)),
    (1 / 3, Lands("double", 0.3333333333333333)),
)
