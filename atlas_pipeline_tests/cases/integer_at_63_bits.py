"""The last integers that BSON holds, and the first beyond, which SQLite has made a double of before anybody sees it."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Per, Rejected, Sql, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Integers at 2^63",
    column(ValueType.INTEGER, sqlite="INTEGER", postgresql="BIGINT"),
    (2**63 - 1, Lands("long", 2**63 - 1)),
    (-(2**63), Lands("long", -(2**63))),
    (Sql("9223372036854775808"), Per(Rejected(RejectCode.NOT_INTEGER), Unheld("a BIGINT ends at 2^63 - 1"))),
    (Sql("-9223372036854775809"), Per(Rejected(RejectCode.NOT_INTEGER), Unheld("a BIGINT begins at -2^63"))),
    ways=WAYS,
)
