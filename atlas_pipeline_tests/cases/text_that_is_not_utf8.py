"""Only the rows whose bytes are no UTF-8 are refused, and their bytes are kept in the quarantine."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Rejected, Sql, Unheld
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Bytes in a text that are not UTF-8",
    text("v"),
    ("before", Lands("string", "before")),
    (
        Per(Sql("CAST(x'80' AS TEXT)"), Sql("convert_from('\\x80', 'UTF8')")),
        Per(Rejected(RejectCode.NOT_UTF8), Unheld("it checks every text")),
    ),
    (
        Per(Sql("CAST(x'C0AF' AS TEXT)"), Sql("convert_from('\\xc0af', 'UTF8')")),
        Per(Rejected(RejectCode.NOT_UTF8), Unheld("it checks every text")),
    ),
    ("behind", Lands("string", "behind")),
    ways=WAYS,
)
