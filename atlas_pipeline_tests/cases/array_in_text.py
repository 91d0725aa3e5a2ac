"""Texts in one text: as JSON, or with commas."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import text_list
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Lists of texts in one text",
    text_list("v", nullable=True),
    ('["a", " b "]', Lands("array", ["a", " b "])),
    ("a, b,,c ", Lands("array", ["a", "b", "c"])),
    ("", Lands("array", [])),
    ("null", Lands("null")),
    ("[1]", Rejected(RejectCode.JSON_SHAPE)),
    ('["a"', Rejected(RejectCode.BAD_JSON)),
)
