"""UTC has such seconds, calendars of programs have not. PostgreSQL takes the next one when it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "A leap second",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    ("2016-12-31 23:59:60", Per(Rejected(RejectCode.NOT_DATE), Lands("date", datetime(2017, 1, 1, tzinfo=UTC)))),
    ("2016-12-31 23:59:59", Lands("date", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC))),
)
