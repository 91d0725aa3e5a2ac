"""Text that is no number stays out; text that looks like one the database itself has turned into it."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text in a column of doubles",
    column(ValueType.DOUBLE, sqlite="REAL", postgresql="DOUBLE PRECISION"),
    ("1.5", Lands("double", 1.5)),
    ("1,5", Per(Rejected(RejectCode.NOT_NUMBER), Unheld("a DOUBLE PRECISION is no text"))),
    ("n/a", Per(Rejected(RejectCode.NOT_NUMBER), Unheld("a DOUBLE PRECISION is no text"))),
)
