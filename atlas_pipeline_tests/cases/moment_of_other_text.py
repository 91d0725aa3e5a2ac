"""Text that is no moment, or only half of one. PostgreSQL reads more spellings than one when it is written."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text in a column of moments",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    ("soon", Per(Rejected(RejectCode.NOT_DATE), Unheld("a TIMESTAMP is no text"))),
    ("", Per(Rejected(RejectCode.NOT_DATE), Unheld("a TIMESTAMP is no text"))),
    ("2026-02-30 00:00:00", Per(Rejected(RejectCode.NOT_DATE), Unheld("February is shorter"))),
    ("2026-13-01 00:00:00", Per(Rejected(RejectCode.NOT_DATE), Unheld("the year is shorter"))),
    ("2026-01-02", Per(Rejected(RejectCode.NOT_DATE), Lands("date", datetime(2026, 1, 2, tzinfo=UTC)))),
    ("2026-01-01 24:00:00", Per(Rejected(RejectCode.NOT_DATE), Lands("date", datetime(2026, 1, 2, tzinfo=UTC)))),
)
