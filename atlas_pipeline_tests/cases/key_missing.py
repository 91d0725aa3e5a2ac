"""Without a key no row can be told from another, compared or repaired."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="A table without a key",
    specs=lambda: table(integer("a"), text("b"), key=()),
    because="has no key",
)
