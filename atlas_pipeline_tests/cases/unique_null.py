"""NULL is a value under a unique index of MongoDB, and no value under one of SQL."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer, text, unique
from atlas_pipeline_tests.cases.case import Case, Lands, Rejected, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="Rows that repeat NULL under a unique index",
    table=table(integer("id"), text("v", nullable=True), indexes=(unique("by_v", "v"),)),
    rows=(
        Row(values=(1, None), outcome={"_id": Lands("int", 1), "v": Lands("null")}),
        Row(values=(2, None), outcome=Rejected(RejectCode.DUPLICATE_VALUE)),
        Row(values=(3, ""), outcome={"_id": Lands("int", 3), "v": Lands("string", "")}),
    ),
)
