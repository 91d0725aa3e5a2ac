"""Nothing is trimmed, and a blank text is not an empty one."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Leading and trailing blanks",
    text("v"),
    ("  a ", Lands("string", "  a ")),
    ("\ta\r\n", Lands("string", "\ta\r\n")),
    (" ", Lands("string", " ")),
    ("\u00a0a\u3000", Lands("string", "\u00a0a\u3000")),
)
