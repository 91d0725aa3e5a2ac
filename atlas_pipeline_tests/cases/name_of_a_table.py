"""A table whose name has to be quoted in every dialect."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "The name of a table with blanks, quotes, a percent sign and umlauts",
    text("v"),
    ("a", Lands("string", "a")),
    ("b", Lands("string", "b")),
    named='order "größe" 50%',
)
