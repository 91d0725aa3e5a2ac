"""JSON of ten million bytes, in many values."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Made
from atlas_pipeline_tests.cases.making import column, values

COUNT = 100_000

CASE = values(
    "JSON of 10 MB",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    (
        Made("an array of 100,000 texts of 97 letters", lambda: "[" + ",".join([f'"{"x" * 97}"'] * COUNT) + "]"),
        Lands("array", Made("the same", lambda: ["x" * 97] * COUNT)),
    ),
    ("[]", Lands("array", [])),
    ways=("in bulk",),
)
