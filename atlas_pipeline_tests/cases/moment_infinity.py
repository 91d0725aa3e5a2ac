"""PostgreSQL has moments before and after all others. BSON has none, so the row is refused."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Infinite moments",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMPTZ"),
    ("infinity", Rejected(RejectCode.NOT_DATE)),
    ("-infinity", Rejected(RejectCode.NOT_DATE)),
    ("2026-01-01 00:00:00", Lands("date", datetime(2026, 1, 1, tzinfo=UTC))),
    ways=WAYS,
)
