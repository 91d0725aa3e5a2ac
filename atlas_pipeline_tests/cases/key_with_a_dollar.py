"""MongoDB takes no field for an `_id` whose name begins with a dollar sign."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="A key column whose name begins with a dollar sign",
    specs=lambda: table(integer("$a"), integer("b"), key=("$a", "b")),
    because="holds a dot, a leading $ or NUL",
)
