"""Where the chosen columns are not unique after all, the first row stays, and each of the others is in quarantine."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import WAYS, Case, Lands, Rejected, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="Rows that repeat a key",
    table=table(integer("id"), text("v")),
    rows=(
        Row(values=(1, "same"), outcome={"_id": Lands("int", 1), "v": Lands("string", "same")}),
        Row(values=(2, "same"), outcome={"_id": Lands("int", 2), "v": Lands("string", "same")}),
        Row(values=(2, "same"), outcome=Rejected(RejectCode.DUPLICATE_VALUE, "id")),
        Row(values=(2, "same"), outcome=Rejected(RejectCode.DUPLICATE_VALUE, "id")),
        Row(values=(3, "same"), outcome={"_id": Lands("int", 3), "v": Lands("string", "same")}),
    ),
    ways=WAYS,
)
