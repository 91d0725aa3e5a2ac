"""As deep as the setting allows, one level more, and what the server itself takes and refuses."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands, Made, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Deeply nested JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ("[" * 100 + "]" * 100, Lands("array", Made("100 levels", lambda: nested(100)))),
    ("[" * 101 + "]" * 101, Rejected(RejectCode.JSON_DEPTH)),
    ("[" * 179 + "]" * 179, Rejected(RejectCode.JSON_DEPTH)),
    ("[" * 180 + "]" * 180, Rejected(RejectCode.JSON_DEPTH)),
    ("[" * 6_000 + "]" * 6_000, Rejected(RejectCode.JSON_DEPTH)),
    ways=WAYS,
)


def nested(levels: int) -> list[object]:
    return [nested(levels - 1)] if levels > 1 else []
