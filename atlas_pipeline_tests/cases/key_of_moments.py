"""BSON cuts microseconds, so that two moments could become one key."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import utc
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="Moments as keys",
    specs=lambda: table(utc("k"), key=("k",)),
    because="which does not map one to one",
)
