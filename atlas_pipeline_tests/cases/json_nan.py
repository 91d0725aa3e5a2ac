"""The bare words of JavaScript are not JSON, though many programs write them."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per, Rejected, Unheld
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "NaN and Infinity in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ("NaN", Per(Rejected(RejectCode.BAD_JSON), Unheld("it checks JSON"))),
    ('{"a": Infinity}', Per(Rejected(RejectCode.BAD_JSON), Unheld("it checks JSON"))),
    ("[-Infinity]", Per(Rejected(RejectCode.BAD_JSON), Unheld("it checks JSON"))),
    ('"NaN"', Lands("string", "NaN")),
)
