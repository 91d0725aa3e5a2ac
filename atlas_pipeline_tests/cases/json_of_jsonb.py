"""JSONB has dropped repeated keys and changed numbers before anybody reads it."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import json_value
from atlas_pipeline_tests.cases.case import Lands
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "What JSONB does to JSON",
    json_value("v", sql_type="JSONB"),
    ('{"a": 1, "a": 2}', Lands("object", {"a": 2})),
    ("1e5", Lands("int", 100_000)),
    ("1.50", Lands("double", 1.5)),
    ("-0.0", Lands("double", 0.0)),
    ('{"bb": 1, "a": 2}', Lands("object", {"a": 2, "bb": 1})),
    absent={"sqlite": "its JSON is text"},
)
