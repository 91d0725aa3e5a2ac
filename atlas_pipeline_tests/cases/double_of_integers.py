"""A whole number becomes a double only where that is exact."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Integers in a column of doubles",
    column(ValueType.DOUBLE, sqlite="INTEGER", postgresql="BIGINT"),
    (3, Lands("double", 3.0)),
    (2**53, Lands("double", 2.0**53)),
    (2**53 + 1, Rejected(RejectCode.NOT_NUMBER)),
    (-(2**53) - 1, Rejected(RejectCode.NOT_NUMBER)),
)
