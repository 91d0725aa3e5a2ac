"""A table of two rows at most."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Truth values as keys",
    (column(ValueType.BOOLEAN, sqlite="BOOLEAN", postgresql="BOOLEAN", name="k"),),
    ((Per(0, False),), Lands("bool", False)),
    ((Per(1, True),), Lands("bool", True)),
    ways=("in bulk", "as a time series"),
)
