"""BSON strings hold NUL characters; only names of fields cannot."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Unheld
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Text with a NUL character",
    text("v"),
    ("a\0b", Per(Lands("string", "a\0b"), Unheld("no text of it holds one"))),
    ("\0", Per(Lands("string", "\0"), Unheld("no text of it holds one"))),
    ("ab", Lands("string", "ab")),
    ways=WAYS,
)
