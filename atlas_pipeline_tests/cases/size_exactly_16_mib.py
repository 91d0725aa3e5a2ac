"""One byte more would be too many: 27 bytes of the document are not the text."""

from __future__ import annotations

from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Made
from atlas_pipeline_tests.cases.making import values

LENGTH = MAX_DOCUMENT_BYTES - 27

CASE = values(
    "A document of exactly 16 MiB",
    text("v"),
    (Made("16 MiB less 27 letters", lambda: "x" * LENGTH), Lands("string", Made("the same", lambda: "x" * LENGTH))),
    ways=("in bulk",),
)
