"""In spring an hour is left out. A moment in it is no moment; another one would have to be made up for it."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments of the hour that is left out",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP", zone="Europe/Berlin"),
    ("2026-03-29 01:59:59", Lands("date", datetime(2026, 3, 29, 0, 59, 59, tzinfo=UTC))),
    ("2026-03-29 02:30:00", Rejected(RejectCode.NOT_DATE)),
    ("2026-03-29 03:00:00", Lands("date", datetime(2026, 3, 29, 1, tzinfo=UTC))),
)
