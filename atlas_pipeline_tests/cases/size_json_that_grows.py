"""Each item of a BSON array has a name and a type, so that JSON that would fit can become a document that does not."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Made, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON of 16 MB that BSON makes more than 16 MiB of",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    (
        Made("160,000 texts of 97 letters", lambda: "[" + ",".join([f'"{"x" * 97}"'] * 160_000) + "]"),
        Rejected(RejectCode.TOO_LARGE),
    ),
    ("[1]", Lands("array", [1])),
    ways=("row by row",),
)
