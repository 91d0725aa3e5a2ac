"""Words of SQL as names of columns."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import Case, Lands, Row
from atlas_pipeline_tests.cases.making import table

NAMES = ("select", "order", "from", "user", "table", "rowid", "values", "null")

CASE = Case(
    says="Reserved words as names of columns",
    table=table(integer("id"), *(text(name) for name in NAMES)),
    rows=(
        Row(values=(1, *NAMES), outcome={"_id": Lands("int", 1), **{name: Lands("string", name) for name in NAMES}}),
    ),
)
