"""Numbers and bytes in a text column, where SQLite leaves them what they are."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Numbers and bytes in a text column",
    text("v", sql_type="BLOB"),
    (7, Rejected(RejectCode.NOT_TEXT)),
    (1.5, Rejected(RejectCode.NOT_TEXT)),
    (b"abc", Rejected(RejectCode.NOT_TEXT)),
    ("abc", Lands("string", "abc")),
    absent={"postgresql": "its columns are typed"},
)
