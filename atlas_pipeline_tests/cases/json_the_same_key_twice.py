"""One of the two values would have to be dropped."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "The same key twice in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ('{"a": 1, "a": 2}', Rejected(RejectCode.BAD_JSON)),
    ('[{"x": {"a": 1, "b": 2, "a": 1}}]', Rejected(RejectCode.BAD_JSON)),
    (r'{"a": 1, "\u0061": 2}', Rejected(RejectCode.BAD_JSON)),
    ('{"a": {"a": 1}}', Lands("object", {"a": {"a": 1}})),
)
