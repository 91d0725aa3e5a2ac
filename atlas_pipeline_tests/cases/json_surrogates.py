"""A pair is one character; half of one is none."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Surrogates in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    (r'"\ud83c\udf89"', Lands("string", "🎉")),
    (r'"\ud83c"', Rejected(RejectCode.LONE_SURROGATE)),
    (r'{"\udf89": 1}', Rejected(RejectCode.LONE_SURROGATE)),
    (r'"\udf89\ud83c"', Rejected(RejectCode.LONE_SURROGATE)),
)
