"""A number that no double holds is refused without a policy."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Numbers of too many digits in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ("3.14159265358979323846", Rejected(RejectCode.INEXACT)),
    ('{"a": [0.1000000000000000055]}', Rejected(RejectCode.INEXACT)),
    ("1e400", Rejected(RejectCode.JSON_NUMBER)),
    ("3.141592653589793", Lands("double", 3.141592653589793)),
)
