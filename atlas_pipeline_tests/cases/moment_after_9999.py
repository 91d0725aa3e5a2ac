"""Years of five and six digits."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments after year 9999",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    ("10000-01-01 00:00:00", Rejected(RejectCode.NOT_DATE)),
    ("294276-12-31 23:59:59", Rejected(RejectCode.NOT_DATE)),
    ("2026-01-01 00:00:00", Lands("date", datetime(2026, 1, 1, tzinfo=UTC))),
)
