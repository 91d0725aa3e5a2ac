"""BSON keeps milliseconds. Without a policy no digit is cut: the row is refused."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Microseconds without a policy",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    ("2026-01-01 00:00:00.123456", Rejected(RejectCode.INEXACT)),
    ("2026-01-01 00:00:00.000001", Rejected(RejectCode.INEXACT)),
    ("2026-01-01 00:00:00.123000", Lands("date", datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC))),
)
