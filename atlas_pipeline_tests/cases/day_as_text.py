"""The policy `text` keeps as text what is no day of the years 1 to 9999."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Days with the policy text",
    column(ValueType.DATE, sqlite="DATE", postgresql="DATE", inexact="text"),
    ("2026-01-01", Lands("date", datetime(2026, 1, 1, tzinfo=UTC))),
    ("infinity", Lands("string", "infinity")),
    ("10000-01-01", Lands("string", "10000-01-01")),
    ("soon", Per(Lands("string", "soon"), Unheld("a DATE is no text"))),
    touched=Per(3, 2),
    ways=WAYS,
)
