"""The offset of a time of day is kept, for without a day it cannot be turned into UTC."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Times of day with an offset",
    column(ValueType.TEXT, sqlite="TEXT", postgresql="TIMETZ"),
    ("12:00:00+02", Lands("string", "12:00:00+02")),
    ("12:00:00.5-09:30", Lands("string", "12:00:00.5-09:30")),
)
