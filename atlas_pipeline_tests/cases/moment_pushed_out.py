"""In UTC they lie before year 1 and after year 9999."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments that their offset pushes out of the calendar",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMPTZ"),
    ("0001-01-01 00:00:00+01:00", Rejected(RejectCode.NOT_DATE)),
    ("9999-12-31 23:59:59-01:00", Rejected(RejectCode.NOT_DATE)),
    ("0001-01-01 01:00:00+01:00", Lands("date", datetime(1, 1, 1, tzinfo=UTC))),
)
