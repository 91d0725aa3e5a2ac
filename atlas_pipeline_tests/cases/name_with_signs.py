"""Signs that mean something to SQL, to drivers or to templates."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import WAYS, Case, Lands, Row
from atlas_pipeline_tests.cases.making import table

NAMES = (
    "a b",
    'quo"te',
    "apo'strophe",
    "per%cent",
    "%(s)s",
    ":colon",
    "?",
    "back\\slash",
    "{brace}",
    "pri$ce",
    "-- ;",
    " ",
)

CASE = Case(
    says="Names of columns with signs",
    table=table(integer("id"), *(text(name) for name in NAMES)),
    rows=(
        Row(values=(1, *NAMES), outcome={"_id": Lands("int", 1), **{name: Lands("string", name) for name in NAMES}}),
    ),
    ways=WAYS,
)
