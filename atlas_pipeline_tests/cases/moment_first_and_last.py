"""The first and the last moment that Python knows, and with it everything that reads BSON here."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "The first moment of year 1 and the last of year 9999",
    column(ValueType.DATETIME, sqlite="DATETIME", postgresql="TIMESTAMP"),
    ("0001-01-01 00:00:00", Lands("date", datetime(1, 1, 1, tzinfo=UTC))),
    ("9999-12-31 23:59:59.999", Lands("date", datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC))),
    ways=WAYS,
)
