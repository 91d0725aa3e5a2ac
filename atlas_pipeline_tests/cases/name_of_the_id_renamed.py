"""With a field of its own such a column lands."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import Case, Lands, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="A column named _id with a field of another name",
    table=table(integer("id"), text("_id", field="old_id"), text("$a.b", field="a_b")),
    rows=(
        Row(
            values=(1, "x", "y"),
            outcome={"_id": Lands("int", 1), "old_id": Lands("string", "x"), "a_b": Lands("string", "y")},
        ),
    ),
)
