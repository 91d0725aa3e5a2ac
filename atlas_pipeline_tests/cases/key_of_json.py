"""What one database takes for equal JSON, another one does not."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import json_object
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="JSON as a key",
    specs=lambda: table(json_object("k"), key=("k",)),
    because="key column k is json_object",
)
