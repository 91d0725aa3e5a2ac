"""A NULL where the spec promises a value."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "NULL in a column that is not nullable",
    column(ValueType.DOUBLE, sqlite="REAL", postgresql="DOUBLE PRECISION"),
    (None, Rejected(RejectCode.NULL_VALUE)),
    (0.0, Lands("double", 0.0)),
)
