"""A table may be empty after all its rows are refused, and is a collection nevertheless."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline_tests.cases.case import WAYS, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "A table of which every row is refused",
    integer("v"),
    (None, Rejected(RejectCode.NULL_VALUE)),
    (None, Rejected(RejectCode.NULL_VALUE)),
    ways=WAYS,
)
