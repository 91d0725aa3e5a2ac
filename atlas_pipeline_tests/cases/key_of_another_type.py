"""SQLite takes anything for a key that is not its row id. What is no integer is refused; the rest lands in order."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "Keys of another type than declared",
    (integer("k", sql_type="BLOB"),),
    ((1,), Lands("int", 1)),
    ((1.5,), Rejected(RejectCode.NOT_INTEGER, "k")),
    ((2.0,), Rejected(RejectCode.NOT_INTEGER, "k")),
    ((3,), Lands("int", 3)),
    (("3",), Rejected(RejectCode.NOT_INTEGER, "k")),
    ((b"3",), Rejected(RejectCode.NOT_INTEGER, "k")),
    absent={"postgresql": "its columns are typed"},
    neighbour_key=(7,),
)
