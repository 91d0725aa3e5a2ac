"""A day is the date of its midnight in UTC."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Days",
    column(ValueType.DATE, sqlite="DATE", postgresql="DATE"),
    ("2026-02-28", Lands("date", datetime(2026, 2, 28, tzinfo=UTC))),
    ("2024-02-29", Lands("date", datetime(2024, 2, 29, tzinfo=UTC))),
    ("0001-01-01", Lands("date", datetime(1, 1, 1, tzinfo=UTC))),
    ("9999-12-31", Lands("date", datetime(9999, 12, 31, tzinfo=UTC))),
)
