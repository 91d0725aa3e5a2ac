"""The largest document that MongoDB takes, less some bytes for what the ways of loading add."""

from __future__ import annotations

from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Made
from atlas_pipeline_tests.cases.making import values

LENGTH = MAX_DOCUMENT_BYTES - 64

CASE = values(
    "A document just under 16 MiB",
    text("v"),
    (Made("16 MiB less 64 letters", lambda: "x" * LENGTH), Lands("string", Made("the same", lambda: "x" * LENGTH))),
    ("x", Lands("string", "x")),
    ways=("row by row",),
)
