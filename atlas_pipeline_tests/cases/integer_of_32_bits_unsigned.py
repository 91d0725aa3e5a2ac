"""A type without negative numbers, of which half do not fit into an int32."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Unsigned integers of 32 bits",
    column(ValueType.INTEGER, sqlite="INTEGER", postgresql="OID"),
    (2**31, Lands("long", 2**31)),
    (2**32 - 1, Lands("long", 2**32 - 1)),
)
