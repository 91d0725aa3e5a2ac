"""Days as keys, from year 1 on. What is no day is no key."""

from __future__ import annotations

from datetime import UTC, datetime

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Days as keys",
    (column(ValueType.DATE, sqlite="DATE", postgresql="DATE", name="k"),),
    (("0001-01-01",), Lands("date", datetime(1, 1, 1, tzinfo=UTC))),
    (("1969-12-31",), Lands("date", datetime(1969, 12, 31, tzinfo=UTC))),
    (("2024-02-29",), Lands("date", datetime(2024, 2, 29, tzinfo=UTC))),
    (("9999-12-31",), Lands("date", datetime(9999, 12, 31, tzinfo=UTC))),
    (("2026-02-30",), Per(Rejected(RejectCode.NOT_DATE, "k"), Unheld("February is shorter"))),
    neighbour_key=("2000-01-01",),
    ways=WAYS,
)
