"""To MongoDB's queries a dot is the way into a sub-document."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.cases.case import RefusedCase
from atlas_pipeline_tests.cases.making import table

CASE = RefusedCase(
    says="A column with a dot in its name",
    specs=lambda: table(integer("id"), text("a.b")),
    because="holds a dot, a leading $ or NUL",
)
