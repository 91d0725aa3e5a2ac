"""The column's zone with its summer time, which PostgreSQL knows nothing of in a TIMESTAMP."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments in a zone with summer time",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP", zone="Europe/Berlin"),
    ("2026-01-15 12:00:00", Lands("date", datetime(2026, 1, 15, 11, tzinfo=UTC))),
    ("2026-07-15 12:00:00", Lands("date", datetime(2026, 7, 15, 10, tzinfo=UTC))),
    ("1890-01-01 00:00:00", Lands("date", datetime(1889, 12, 31, 23, 6, 32, tzinfo=UTC))),
)
