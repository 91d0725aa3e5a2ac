"""The policy `round` takes the nearest double, and counts what it touched. What is larger than all doubles has none."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Numbers of too many digits in JSON with the policy round",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON", inexact="round"),
    ("3.14159265358979323846", Lands("double", 3.141592653589793)),
    ('{"a": [0.1000000000000000055]}', Lands("object", {"a": [0.1]})),
    ("1e400", Rejected(RejectCode.JSON_NUMBER)),
    ("0.5", Lands("double", 0.5)),
    touched=2,
)
