"""Text is not taken for bytes: nobody has said in which encoding."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Text in a column of bytes",
    column(ValueType.BINARY, sqlite="BLOB", postgresql="BYTEA"),
    ("abc", Per(Rejected(RejectCode.NOT_BINARY), Lands("binData", b"abc"))),
    (7, Per(Rejected(RejectCode.NOT_BINARY), Unheld("a BYTEA is no number"))),
    (b"abc", Lands("binData", b"abc")),
)
