"""A moment that names no zone is of the column's zone, UTC unless the spec says otherwise."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments without a zone",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    ("2026-03-01 12:00:00", Lands("date", datetime(2026, 3, 1, 12, tzinfo=UTC))),
    ("2026-03-01T12:00:00.123", Lands("date", datetime(2026, 3, 1, 12, 0, 0, 123_000, tzinfo=UTC))),
    ("1969-12-31 23:59:59.999", Lands("date", datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))),
)
