"""Infinite days, and days before year 1 and after year 9999."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Days that BSON or Python does not know",
    column(ValueType.DATE, sqlite="DATE", postgresql="DATE"),
    ("infinity", Rejected(RejectCode.NOT_DATE)),
    ("-infinity", Rejected(RejectCode.NOT_DATE)),
    (Per("-0043-03-15", "0044-03-15 BC"), Rejected(RejectCode.NOT_DATE)),
    ("10000-01-01", Rejected(RejectCode.NOT_DATE)),
    ("2026-01-01", Lands("date", datetime(2026, 1, 1, tzinfo=UTC))),
)
