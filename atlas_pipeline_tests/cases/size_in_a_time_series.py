"""A bucket of a time series holds each value of a single document three times, so that less fits."""

from __future__ import annotations

from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Lands, Made, Rejected
from atlas_pipeline_tests.cases.making import values

LENGTH = MAX_DOCUMENT_BYTES // 3

CASE = values(
    "Documents near the limit of a time series",
    text("v"),
    (Made("a third of 16 MiB", lambda: "x" * LENGTH), Rejected(RejectCode.TOO_LARGE)),
    (
        Made("a quarter of 16 MiB", lambda: "x" * (LENGTH // 4 * 3)),
        Lands("string", Made("the same", lambda: "x" * (LENGTH // 4 * 3))),
    ),
    ways=("as a time series",),
)
