"""A double is no truth value, also when it is between 0 and 1, or is 1."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import boolean
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Truth values that are doubles",
    boolean("v", sql_type="BLOB"),
    (0.5, Rejected(RejectCode.NOT_BOOLEAN)),
    (1.0, Rejected(RejectCode.NOT_BOOLEAN)),
    (1, Lands("bool", True)),
    absent={"postgresql": "its columns are typed"},
)
