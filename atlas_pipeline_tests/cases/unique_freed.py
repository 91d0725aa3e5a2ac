"""The row that kept a unique value goes at the source, so that the one in quarantine lands with the next load."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer, text, unique
from atlas_pipeline_tests.cases.case import Case, Found, Lands, Plant, Rejected, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="A repeated unique value whose first row goes",
    table=table(integer("id"), text("v"), indexes=(unique("by_v", "v"),)),
    rows=(
        Row(values=(1, "a"), outcome={"_id": Lands("int", 1), "v": Lands("string", "a")}),
        Row(values=(2, "b"), outcome={"_id": Lands("int", 2), "v": Lands("string", "b")}),
        Row(values=(3, "b"), outcome=Rejected(RejectCode.DUPLICATE_VALUE)),
    ),
    plants=(
        Plant(
            says="the first of the two rows gone at the source",
            way="row by row",
            source=("DELETE FROM {table} WHERE id = 2",),
            finds=(Found("extra_in_target", 2),),
            then=(
                Row(values=(1, "a"), outcome={"_id": Lands("int", 1), "v": Lands("string", "a")}),
                Row(values=(3, "b"), outcome={"_id": Lands("int", 3), "v": Lands("string", "b")}),
                Row(values=(999, "a"), outcome=Rejected(RejectCode.NOT_BOOLEAN, "neighbour")),
            ),
        ),
    ),
)
