"""Two columns in one field: only one of the values would be there."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="Columns whose names collide after renaming",
    specs=lambda: table(integer("id"), text("a"), text("b", field="a")),
    because="is listed twice",
)
