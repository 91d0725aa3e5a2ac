"""0 and 1 are truth values; no other number is, least of all false."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Truth values that are numbers",
    column(ValueType.BOOLEAN, sqlite="BOOLEAN", postgresql="INTEGER", nullable=True),
    (0, Lands("bool", False)),
    (1, Lands("bool", True)),
    (2, Rejected(RejectCode.NOT_BOOLEAN)),
    (-1, Rejected(RejectCode.NOT_BOOLEAN)),
    (None, Lands("null")),
)
