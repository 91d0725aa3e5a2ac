"""Case is kept, also where a change of case would change the length."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Upper and lower case",
    text("v"),
    ("Straße", Lands("string", "Straße")),
    ("STRASSE", Lands("string", "STRASSE")),
    ("İstanbul", Lands("string", "İstanbul")),
    ("ǅ", Lands("string", "ǅ")),
)
