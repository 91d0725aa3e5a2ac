"""Characters outside the basic plane, and those made of several."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Emoji",
    text("v"),
    ("🎉", Lands("string", "🎉")),
    ("👩‍👩‍👧‍👦 🇩🇪 👍🏽", Lands("string", "👩‍👩‍👧‍👦 🇩🇪 👍🏽")),
    ("𝔘𝔫𝔦", Lands("string", "𝔘𝔫𝔦")),
)
