"""A column may say that empty text is NULL; the run counts where it was. Blanks are not empty."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import json_value
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Empty text in a JSON column that takes it for NULL",
    json_value("v", sql_type="TEXT", nullable=True, empty_is_null=True),
    ("", Lands("null")),
    (" ", Rejected(RejectCode.BAD_JSON)),
    ("{}", Lands("object", {})),
    touched=1,
)
