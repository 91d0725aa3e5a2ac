"""The key is all there is."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Case, Lands, Rejected, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="A table of one column",
    table=table(text("id")),
    rows=(
        Row(values=("a",), outcome={"_id": Lands("string", "a")}),
        Row(values=("",), outcome={"_id": Lands("string", "")}),
        Row(values=(None,), outcome=Rejected(RejectCode.NULL_VALUE, "id")),
    ),
    neighbour_key=("z",),
    ways=WAYS,
)
