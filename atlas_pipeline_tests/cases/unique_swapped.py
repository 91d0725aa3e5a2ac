"""Two rows that swap a unique value: verify names both, and the next load has them swapped."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text, unique
from atlas_pipeline_tests.cases.case import Case, Found, Lands, Plant, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="Two rows that swap a unique value",
    table=table(integer("id"), text("v"), indexes=(unique("by_v", "v"),)),
    rows=(
        Row(values=(1, "a"), outcome={"_id": Lands("int", 1), "v": Lands("string", "a")}),
        Row(values=(2, "b"), outcome={"_id": Lands("int", 2), "v": Lands("string", "b")}),
        Row(values=(3, "c"), outcome={"_id": Lands("int", 3), "v": Lands("string", "c")}),
    ),
    plants=(
        Plant(
            says="a swap at the source",
            source=("UPDATE {table} SET v = CASE v WHEN 'a' THEN 'b' ELSE 'a' END WHERE id < 3",),
            finds=(Found("value", 1, ("v",)), Found("value", 2, ("v",))),
            then=(
                Row(values=(1, "b"), outcome={"_id": Lands("int", 1), "v": Lands("string", "b")}),
                Row(values=(2, "a"), outcome={"_id": Lands("int", 2), "v": Lands("string", "a")}),
                Row(values=(3, "c"), outcome={"_id": Lands("int", 3), "v": Lands("string", "c")}),
            ),
        ),
    ),
)
