"""A moment that the driver cannot hold, inside an array."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected, Sql
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Arrays of moments",
    ColumnSpec(name="v", sql_type="TIMESTAMPTZ[]", value=ValueType.ARRAY, items=ValueType.DATETIME),
    (
        Sql("ARRAY['2026-01-01 00:00:00+00', NULL]::timestamptz[]"),
        Lands("array", [datetime(2026, 1, 1, tzinfo=UTC), None]),
    ),
    (Sql("ARRAY['infinity']::timestamptz[]"), Rejected(RejectCode.NOT_DATE)),
    absent={"sqlite": "it has no arrays"},
)
