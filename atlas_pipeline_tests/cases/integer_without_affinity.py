"""Where SQLite turns nothing into numbers, what only looks like an integer is none."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Text and whole doubles that SQLite leaves alone in an integer column",
    integer("v", sql_type="BLOB"),
    ("5", Rejected(RejectCode.NOT_INTEGER)),
    (5.0, Rejected(RejectCode.NOT_INTEGER)),
    (5, Lands("int", 5)),
    absent={"postgresql": "its columns are typed"},
)
