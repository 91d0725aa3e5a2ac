"""A moment with an offset is the same moment in UTC; the offset itself is not kept."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments with an offset",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMPTZ"),
    ("2026-03-01 12:00:00+02:00", Lands("date", datetime(2026, 3, 1, 10, tzinfo=UTC))),
    ("2026-03-01 12:00:00-09:30", Lands("date", datetime(2026, 3, 1, 21, 30, tzinfo=UTC))),
    ("2026-03-01T12:00:00Z", Lands("date", datetime(2026, 3, 1, 12, tzinfo=UTC))),
    ("2026-01-01 05:00:00+14:00", Lands("date", datetime(2025, 12, 31, 15, tzinfo=UTC))),
)
