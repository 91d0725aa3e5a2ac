"""Numbers with a point or an exponent are doubles; those that a double holds arrive as they are."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Numbers with a fraction in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ("0.1", Lands("double", 0.1)),
    ("1.10", Lands("double", 1.1)),
    ("1e5", Lands("double", 100_000.0)),
    ("-0.0", Lands("double", -0.0)),
    ("1E-7", Lands("double", 1e-7)),
)
