"""Decimal numbers as keys, in the order of their values. SQLite keeps them as integers and doubles."""

from __future__ import annotations

from decimal import Decimal

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Decimal numbers as keys",
    (column(ValueType.DECIMAL, sqlite="NUMERIC(20, 4)", postgresql="NUMERIC", name="k"),),
    (("-2.5",), Lands("decimal", "-2.5")),
    (("0",), Lands("decimal", "0")),
    (("1.50",), Per(Lands("decimal", "1.5"), Lands("decimal", "1.50"))),
    (("9",), Lands("decimal", "9")),
    (("10",), Lands("decimal", "10")),
    neighbour_key=Per((99,), (Decimal(99),)),
    ways=WAYS,
)
