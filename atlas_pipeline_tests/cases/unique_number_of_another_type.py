"""Equal numbers of another BSON type are one value under a unique index."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer, json_value, unique
from atlas_pipeline_tests.cases.case import Case, Lands, Rejected, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="Equal numbers of other types under a unique index",
    table=table(integer("id"), json_value("v", sql_type="TEXT"), indexes=(unique("by_v", "v"),)),
    rows=(
        Row(values=(1, "1"), outcome={"_id": Lands("int", 1), "v": Lands("int", 1)}),
        Row(values=(2, "1.0"), outcome=Rejected(RejectCode.DUPLICATE_VALUE)),
        Row(values=(3, '"1"'), outcome={"_id": Lands("int", 3), "v": Lands("string", "1")}),
    ),
)
