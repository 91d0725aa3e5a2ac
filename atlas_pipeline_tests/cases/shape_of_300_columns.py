"""A wide table, with NULL in every third column."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import Case, Lands, Row
from atlas_pipeline_tests.cases.making import table

NAMES = tuple(f"c{number:03}" for number in range(299))

CASE = Case(
    says="A table of 300 columns",
    table=table(integer("id"), *(integer(name, nullable=True) for name in NAMES)),
    rows=tuple(
        Row(
            values=(key, *(None if n % 3 == 0 else n * key for n in range(299))),
            outcome={"_id": Lands("int", key)}
            | {name: Lands("null") if n % 3 == 0 else Lands("int", n * key) for n, name in enumerate(NAMES)},
        )
        for key in (1, 2)
    ),
    ways=("row by row", "as a time series"),
)
