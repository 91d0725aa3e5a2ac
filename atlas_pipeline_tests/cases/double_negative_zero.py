"""The sign of zero arrives. SQLite keeps it in a column that turns nothing into numbers of its own."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Minus zero",
    column(ValueType.DOUBLE, sqlite="BLOB", postgresql="DOUBLE PRECISION"),
    (-0.0, Lands("double", -0.0)),
    (0.0, Lands("double", 0.0)),
    ways=WAYS,
)
