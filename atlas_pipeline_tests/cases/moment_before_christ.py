"""Moments before year 1, as each database spells them."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments before Christ",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    (Per("-0043-03-15 12:00:00", "0044-03-15 12:00:00 BC"), Rejected(RejectCode.NOT_DATE)),
    ("0044-03-15 12:00:00", Lands("date", datetime(44, 3, 15, 12, tzinfo=UTC))),
)
