"""A column declared JSON is numeric to SQLite: what looks like a number has become one."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON numbers in a column declared JSON",
    column(ValueType.JSON, sqlite="JSON", postgresql="JSONB"),
    ("5", Lands("int", 5)),
    ("1.50", Lands("double", 1.5)),
    ("1e5", Lands("int", 100_000)),
    ("12345678901234567890", Per(Lands("double", 12345678901234567890.0), Rejected(RejectCode.JSON_NUMBER))),
    ("true", Lands("bool", True)),
)
