"""Under a unique index of the target the lowest key stays, in whatever order the rows were written."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer, text, unique
from atlas_pipeline_tests.cases.case import Case, Lands, Rejected, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="Rows that repeat a unique value",
    table=table(integer("id"), text("v"), indexes=(unique("by_v", "v"),)),
    rows=(
        Row(values=(3, "a"), outcome=Rejected(RejectCode.DUPLICATE_VALUE)),
        Row(values=(1, "a"), outcome={"_id": Lands("int", 1), "v": Lands("string", "a")}),
        Row(values=(2, "b"), outcome={"_id": Lands("int", 2), "v": Lands("string", "b")}),
        Row(values=(4, "a"), outcome=Rejected(RejectCode.DUPLICATE_VALUE)),
        Row(values=(5, "A"), outcome={"_id": Lands("int", 5), "v": Lands("string", "A")}),
    ),
)
