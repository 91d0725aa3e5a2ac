"""A document of one byte too many is refused before it is sent, and its column named."""

from __future__ import annotations

from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Made, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "A document just over 16 MiB",
    text("v"),
    (Made("16 MiB less 26 letters", lambda: "x" * (MAX_DOCUMENT_BYTES - 26)), Rejected(RejectCode.TOO_LARGE)),
    ("x", Lands("string", "x")),
    ways=("row by row", "as a time series"),
)
