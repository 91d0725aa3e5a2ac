"""A key whose bytes are no text is in quarantine with its bytes."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Rejected, Sql, Unheld
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "Keys that are not UTF-8",
    (text("k"),),
    (("a",), Lands("string", "a")),
    (
        (Per(Sql("CAST(x'80' AS TEXT)"), Sql("convert_from('\\x80', 'UTF8')")),),
        Per(Rejected(RejectCode.NOT_UTF8, "k", ({"not_utf8": b"\x80"},)), Unheld("it checks every text")),
    ),
    (("b",), Lands("string", "b")),
    neighbour_key=("z",),
    ways=WAYS,
)
