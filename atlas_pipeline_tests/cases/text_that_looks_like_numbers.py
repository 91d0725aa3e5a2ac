"""Text is never read as a number. A number that is written into a text column is its text from then on."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Text that looks like numbers",
    text("v"),
    ("007", Lands("string", "007")),
    ("1e5", Lands("string", "1e5")),
    ("0x1F", Lands("string", "0x1F")),
    ("NaN", Lands("string", "NaN")),
    (7, Lands("string", "7")),
    (1.0, Per(Lands("string", "1.0"), Lands("string", "1"))),
)
