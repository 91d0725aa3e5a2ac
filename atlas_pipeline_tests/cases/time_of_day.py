"""BSON has no times of day; they are ISO 8601 text, with 24:00 and every microsecond."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Times of day",
    column(ValueType.TEXT, sqlite="TEXT", postgresql="TIME"),
    ("00:00:00", Lands("string", "00:00:00")),
    ("23:59:59.999999", Lands("string", "23:59:59.999999")),
    ("24:00:00", Lands("string", "24:00:00")),
)
