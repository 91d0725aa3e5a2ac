"""A text with a NUL character is a key like any other."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Per, Unheld
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "Texts with NUL as keys",
    (text("k"),),
    (("a",), Lands("string", "a")),
    (("a\0",), Per(Lands("string", "a\0"), Unheld("no text of it holds one"))),
    (("a\0b",), Per(Lands("string", "a\0b"), Unheld("no text of it holds one"))),
    (("b",), Lands("string", "b")),
    neighbour_key=("z",),
)
