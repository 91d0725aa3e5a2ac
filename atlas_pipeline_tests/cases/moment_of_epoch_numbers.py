"""Seconds since 1970 are numbers. Nobody knows whether they are not milliseconds, so none is read as a moment."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Epoch numbers in a column of moments",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    (1_700_000_000, Per(Rejected(RejectCode.NOT_DATE), Unheld("a TIMESTAMP is no number"))),
    (1_700_000_000.5, Per(Rejected(RejectCode.NOT_DATE), Unheld("a TIMESTAMP is no number"))),
    ("1700000000", Per(Rejected(RejectCode.NOT_DATE), Unheld("a TIMESTAMP is no number"))),
    ("2023-11-14 22:13:20", Lands("date", datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC))),
)
