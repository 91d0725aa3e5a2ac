"""The spec of a key promises a value."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="A key that may be NULL",
    specs=lambda: table(integer("k", nullable=True), key=("k",)),
    because="key column k is nullable",
)
