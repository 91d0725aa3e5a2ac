"""The bytes of half a character outside the basic plane are no UTF-8."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Sql, Unheld
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Lone surrogates in text",
    text("v"),
    (
        Per(Sql("CAST(x'61EDA080' AS TEXT)"), Sql("convert_from('\\x61eda080', 'UTF8')")),
        Per(Rejected(RejectCode.NOT_UTF8), Unheld("it checks every text")),
    ),
    ("a", Lands("string", "a")),
)
