"""The smallest and the largest doubles, bit for bit."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Denormal and extreme doubles",
    column(ValueType.DOUBLE, sqlite="REAL", postgresql="DOUBLE PRECISION"),
    (5e-324, Lands("double", 5e-324)),
    (2.225073858507201e-308, Lands("double", 2.225073858507201e-308)),
    (2.2250738585072014e-308, Lands("double", 2.2250738585072014e-308)),
    (1.7976931348623157e308, Lands("double", 1.7976931348623157e308)),
    ways=WAYS,
)
