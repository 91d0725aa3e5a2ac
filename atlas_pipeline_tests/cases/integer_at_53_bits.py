"""Integers that no double holds stay exact, for nothing on the way makes doubles of them."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Integers at 2^53",
    column(ValueType.INTEGER, sqlite="INTEGER", postgresql="BIGINT"),
    (2**53, Lands("long", 2**53)),
    (2**53 + 1, Lands("long", 2**53 + 1)),
    (-(2**53) - 1, Lands("long", -(2**53) - 1)),
)
