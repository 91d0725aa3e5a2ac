"""A text that is as large as a whole document may be leaves no room for the document."""

from __future__ import annotations

from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Made, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "A text of 16 MiB",
    text("v"),
    (Made("16 MiB of two-byte letters", lambda: "é" * (MAX_DOCUMENT_BYTES // 2)), Rejected(RejectCode.TOO_LARGE)),
    ("x", Lands("string", "x")),
    ways=("row by row",),
)
