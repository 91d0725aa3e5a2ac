"""Names that differ in case only are two columns in PostgreSQL, and two fields in MongoDB."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import Case, Lands, Row
from atlas_pipeline_tests.cases.making import table

CASE = Case(
    says="Names of columns that differ in case only",
    table=table(integer("id"), text("name"), text("Name"), text("NAME")),
    rows=(
        Row(
            values=(1, "a", "b", "c"),
            outcome={
                "_id": Lands("int", 1),
                "name": Lands("string", "a"),
                "Name": Lands("string", "b"),
                "NAME": Lands("string", "c"),
            },
        ),
    ),
    absent={"sqlite": "its names have no case"},
)
