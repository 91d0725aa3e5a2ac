"""The policy `microseconds` keeps what a date cannot hold in a field beside it."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Microseconds with the policy microseconds",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP", inexact="microseconds"),
    (
        "2026-01-01 00:00:00.123456",
        {"v": Lands("date", datetime(2026, 1, 1, 0, 0, 0, 123_000, tzinfo=UTC)), "v_us": Lands("int", 456)},
    ),
    (
        "1969-12-31 23:59:59.999999",
        {"v": Lands("date", datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)), "v_us": Lands("int", 999)},
    ),
    ("2026-01-01 00:00:00", {"v": Lands("date", datetime(2026, 1, 1, tzinfo=UTC)), "v_us": Lands("int", 0)}),
    touched=2,
    ways=WAYS,
)
