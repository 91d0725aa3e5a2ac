"""Any JSON value is JSON, not only objects and arrays."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON that is neither object nor array",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ("5", Lands("int", 5)),
    ("1.5", Lands("double", 1.5)),
    ('"x"', Lands("string", "x")),
    ('""', Lands("string", "")),
    ("true", Lands("bool", True)),
    (" [1] ", Lands("array", [1])),
)
