"""PostgreSQL knows words for truth. SQLite has only text there, which is refused, not read as false."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Truth values that are words",
    column(ValueType.BOOLEAN, sqlite="BOOLEAN", postgresql="BOOLEAN"),
    ("true", Per(Rejected(RejectCode.NOT_BOOLEAN), Lands("bool", True))),
    ("f", Per(Rejected(RejectCode.NOT_BOOLEAN), Lands("bool", False))),
    ("1", Lands("bool", True)),
    ("2", Per(Rejected(RejectCode.NOT_BOOLEAN), Unheld("a BOOLEAN has two values"))),
    ("", Per(Rejected(RejectCode.NOT_BOOLEAN), Unheld("a BOOLEAN has two values"))),
)
