"""Two columns of a key in one field: only one of the values would be there."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="Two key columns in one field",
    specs=lambda: table(integer("a", field="same"), integer("b", field="same"), key=("a", "b")),
    because="is listed twice",
)
