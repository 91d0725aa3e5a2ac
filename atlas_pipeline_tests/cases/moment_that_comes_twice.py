"""In autumn an hour comes twice. Of its moments it is the first, as the documents say."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments of the hour that comes twice",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP", zone="Europe/Berlin"),
    ("2026-10-25 01:59:59", Lands("date", datetime(2026, 10, 24, 23, 59, 59, tzinfo=UTC))),
    ("2026-10-25 02:30:00", Lands("date", datetime(2026, 10, 25, 0, 30, tzinfo=UTC))),
    ("2026-10-25 03:00:00", Lands("date", datetime(2026, 10, 25, 2, tzinfo=UTC))),
)
