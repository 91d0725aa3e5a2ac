"""The policy `text` keeps as text what is no moment, or has finer digits than BSON."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Moments with the policy text",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP", inexact="text"),
    ("2026-01-01 00:00:00.5", Lands("date", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC))),
    ("infinity", Lands("string", "infinity")),
    (
        "2026-01-01 00:00:00.123456",
        Per(Lands("string", "2026-01-01 00:00:00.123456"), Lands("string", "2026-01-01T00:00:00.123456+00:00")),
    ),
    ("soon", Per(Lands("string", "soon"), Unheld("a TIMESTAMP is no text"))),
    touched=Per(3, 2),
)
