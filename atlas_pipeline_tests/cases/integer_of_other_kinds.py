"""What else a loosely typed integer column takes. Numeric-looking text the database itself turns into a number."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text, fractions and bytes in an integer column",
    column(ValueType.INTEGER, sqlite="INTEGER", postgresql="BIGINT"),
    ("five", Per(Rejected(RejectCode.NOT_INTEGER), Unheld("a BIGINT is no text"))),
    ("", Per(Rejected(RejectCode.NOT_INTEGER), Unheld("a BIGINT is no text"))),
    ("007", Lands("int", 7)),
    (5.0, Lands("int", 5)),
    (1.5, Per(Rejected(RejectCode.NOT_INTEGER), Lands("int", 2))),  # PostgreSQL rounds when it is written
    (b"5", Per(Rejected(RejectCode.NOT_INTEGER), Unheld("a BIGINT is no bytea"))),
)
