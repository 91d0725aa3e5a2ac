"""Byte order marks, directions, zero-width characters and non-characters."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Invisible characters",
    text("v"),
    ("\ufeffa", Lands("string", "\ufeffa")),
    ("\u202eabc\u202c", Lands("string", "\u202eabc\u202c")),
    ("a\u200bb", Lands("string", "a\u200bb")),
    ("\uffff\U0010ffff", Lands("string", "\uffff\U0010ffff")),
)
