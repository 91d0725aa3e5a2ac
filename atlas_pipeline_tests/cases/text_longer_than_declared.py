"""SQLite enforces no length, so neither do we."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Per, Unheld
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Text that is longer than its column",
    text("v", 3),
    ("abc", Lands("string", "abc")),
    ("abcd", Per(Lands("string", "abcd"), Unheld("a VARCHAR(3) ends there"))),
    ("🎉🎉🎉", Lands("string", "🎉🎉🎉")),
)
