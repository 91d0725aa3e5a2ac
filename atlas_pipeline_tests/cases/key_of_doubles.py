"""NaN is not equal to itself, and minus zero is equal to zero."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import double
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="Floating-point numbers as keys",
    specs=lambda: table(double("k"), key=("k",)),
    because="key column k is double",
)
