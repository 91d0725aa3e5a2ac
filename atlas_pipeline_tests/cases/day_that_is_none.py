"""Text that is no day, or is spelled otherwise than `YYYY-MM-DD`."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text in a column of days",
    column(ValueType.DATE, sqlite="DATE", postgresql="DATE"),
    ("2026-02-30", Per(Rejected(RejectCode.NOT_DATE), Unheld("February is shorter"))),
    ("2026-1-5", Per(Rejected(RejectCode.NOT_DATE), Lands("date", datetime(2026, 1, 5, tzinfo=UTC)))),
    ("20260105", Per(Rejected(RejectCode.NOT_DATE), Lands("date", datetime(2026, 1, 5, tzinfo=UTC)))),
    ("2026-01-05 00:00:00", Per(Rejected(RejectCode.NOT_DATE), Lands("date", datetime(2026, 1, 5, tzinfo=UTC)))),
    (20_458, Per(Rejected(RejectCode.NOT_DATE), Unheld("a DATE is no number"))),
)
