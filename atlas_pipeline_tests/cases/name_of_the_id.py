"""A column that is not the key cannot become the `_id`."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="A column named _id that is not the key",
    specs=lambda: table(integer("id"), text("_id")),
    because="is made from key=",
)
