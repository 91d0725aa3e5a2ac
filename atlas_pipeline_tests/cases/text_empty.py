"""An empty text, NULL and the word null are three things."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Empty text and NULL",
    text("v", nullable=True),
    ("", Lands("string", "")),
    (None, Lands("null")),
    ("null", Lands("string", "null")),
    ("None", Lands("string", "None")),
    ways=WAYS,
)
