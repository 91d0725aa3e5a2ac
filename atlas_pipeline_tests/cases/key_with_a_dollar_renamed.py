"""The column keeps its name in the source; the field has another one."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "A key column with a dollar sign and a field without",
    (integer("$a", field="a"), integer("b.c", field="c")),
    ((1, 2), Lands("object", {"a": 1, "c": 2})),
    ((2, 1), Lands("object", {"a": 2, "c": 1})),
    neighbour_key=(9, 9),
)
