"""Where the spec wants an object, an array is refused, and the other way round is no better."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON of another shape than the spec wants",
    column(ValueType.JSON_OBJECT, sqlite="TEXT", postgresql="JSON"),
    ("[]", Rejected(RejectCode.JSON_SHAPE)),
    ("5", Rejected(RejectCode.JSON_SHAPE)),
    ('"{}"', Rejected(RejectCode.JSON_SHAPE)),
    ("{}", Lands("object", {})),
)
