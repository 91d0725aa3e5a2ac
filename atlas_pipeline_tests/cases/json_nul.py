"""BSON ends the name of a field with NUL, so that none can hold one. Texts can."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "NUL in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    (r'{"a\u0000b": 1}', Rejected(RejectCode.NUL_IN_KEY)),
    (r'[{"\u0000": 1}]', Rejected(RejectCode.NUL_IN_KEY)),
    (r'"a\u0000b"', Lands("string", "a\0b")),
)
