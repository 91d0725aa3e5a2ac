"""No text is normalised: letters that look the same stay what they are."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Combining marks",
    text("v"),
    ("\u00e9", Lands("string", "\u00e9")),
    ("e\u0301", Lands("string", "e\u0301")),
    ("\u212b", Lands("string", "\u212b")),
    ("Z\u0351\u036b\u0343", Lands("string", "Z\u0351\u036b\u0343")),
)
