"""Scale zero: whole numbers stay decimal numbers, and their zeros are digits."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Decimal numbers of scale zero",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC(10, 0)"),
    ("0", Lands("decimal", "0")),
    ("5", Lands("decimal", "5")),
    ("-7", Lands("decimal", "-7")),
    ("100", Lands("decimal", "100")),
)
