"""Texts in the order of their UTF-8 bytes, which is not that of UTF-16, of a language, or of any case."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "Texts as keys",
    (text("k"),),
    (("",), Lands("string", "")),
    ((" ",), Lands("string", " ")),
    (("a",), Lands("string", "a")),
    (("A",), Lands("string", "A")),
    (("é",), Lands("string", "é")),
    (("e\u0301",), Lands("string", "e\u0301")),
    (("\uffff",), Lands("string", "\uffff")),
    (("🎉",), Lands("string", "🎉")),
    (("10",), Lands("string", "10")),
    (("9",), Lands("string", "9")),
    neighbour_key=("z",),
    ways=WAYS,
)
