"""Names of columns that are not ASCII, or are long."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import WAYS, Case, Lands, Row
from atlas_pipeline_tests.cases.making import table

NAMES = ("größe", "名前", "имя", "🎉", "e\u0301", "\u00e9", "x" * 63)

CASE = Case(
    says="Names of columns in any script",
    table=table(integer("id"), *(text(name) for name in NAMES)),
    rows=(
        Row(values=(1, *NAMES), outcome={"_id": Lands("int", 1), **{name: Lands("string", name) for name in NAMES}}),
    ),
    ways=WAYS,
)
