"""BSON holds them all. SQLite holds no NaN: it has stored NULL."""

from __future__ import annotations

from math import inf, nan

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "NaN and the infinities as doubles",
    column(ValueType.DOUBLE, sqlite="REAL", postgresql="DOUBLE PRECISION", nullable=True),
    (nan, Per(Lands("null"), Lands("double", nan))),
    (inf, Lands("double", inf)),
    (-inf, Lands("double", -inf)),
    ways=WAYS,
)
