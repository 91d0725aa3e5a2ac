"""Money that was stored as text is text, whatever it looks like."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Money-like text",
    text("v"),
    ("$1,234.50", Lands("string", "$1,234.50")),
    ("1.234,50 €", Lands("string", "1.234,50 €")),
    ("(12.00)", Lands("string", "(12.00)")),
    ("1e3", Lands("string", "1e3")),
    ("12.", Lands("string", "12.")),
)
