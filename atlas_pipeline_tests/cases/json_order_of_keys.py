"""Keys are sorted at every level, so that equal objects have equal bytes."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "The order of keys in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    (
        '{"b": {"d": 1, "c": 2}, "a": [{"z": 1, "y": 2}]}',
        Lands("object", {"a": [{"y": 2, "z": 1}], "b": {"c": 2, "d": 1}}),
    ),
    ('{"é": 1, "z": 2, "Z": 3, "10": 4, "9": 5}', Lands("object", {"10": 4, "9": 5, "Z": 3, "z": 2, "é": 1})),
    ways=WAYS,
)
