"""A row that is deleted and made again under a lower key, with the unique value that it had."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text, unique
from atlas_pipeline_tests.cases.case import Case, Found, Lands, Plant, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="A row made again under a lower key with the same unique value",
    table=table(integer("id"), text("v"), indexes=(unique("by_v", "v"),)),
    rows=(
        Row(values=(5, "a"), outcome={"_id": Lands("int", 5), "v": Lands("string", "a")}),
        Row(values=(6, "b"), outcome={"_id": Lands("int", 6), "v": Lands("string", "b")}),
    ),
    plants=(
        Plant(
            says="deleted and made again at the source",
            source=("DELETE FROM {table} WHERE id = 5", "INSERT INTO {table} (id, v) VALUES (2, 'a')"),
            finds=(Found("missing_in_target", 2), Found("extra_in_target", 5)),
            then=(
                Row(values=(2, "a"), outcome={"_id": Lands("int", 2), "v": Lands("string", "a")}),
                Row(values=(6, "b"), outcome={"_id": Lands("int", 6), "v": Lands("string", "b")}),
            ),
        ),
    ),
)
