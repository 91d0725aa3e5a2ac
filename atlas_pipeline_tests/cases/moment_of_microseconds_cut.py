"""The policy `milliseconds` cuts, towards the past on both sides of 1970, and counts what it touched."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Microseconds with the policy milliseconds",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP", inexact="milliseconds"),
    ("2026-01-01 00:00:00.123456", Lands("date", datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC))),
    ("2026-01-01 00:00:00.999999", Lands("date", datetime(2026, 1, 1, 0, 0, 0, 999_000, tzinfo=UTC))),
    ("1969-12-31 23:59:59.999999", Lands("date", datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))),
    ("2026-01-01 00:00:00.5", Lands("date", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC))),
    touched=3,
)
