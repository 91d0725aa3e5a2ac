"""JSON integers have no end; those of BSON have 64 bits."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Large integers in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSONB"),
    ("2147483648", Lands("long", 2**31)),
    ("9223372036854775807", Lands("long", 2**63 - 1)),
    ("9223372036854775808", Rejected(RejectCode.JSON_NUMBER)),
    ('{"n": [123456789012345678901234567890]}', Rejected(RejectCode.JSON_NUMBER)),
    ('{"n": 9007199254740993}', Lands("object", {"n": 9007199254740993})),
)
