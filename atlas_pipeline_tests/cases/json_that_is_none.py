"""Text that is almost JSON, in a column of texts."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import json_value
from atlas_pipeline_tests.cases.case import Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Text that is not JSON",
    json_value("v", sql_type="TEXT"),
    ("{", Rejected(RejectCode.BAD_JSON)),
    ("", Rejected(RejectCode.BAD_JSON)),
    ("abc", Rejected(RejectCode.BAD_JSON)),
    ('{"a": 1,}', Rejected(RejectCode.BAD_JSON)),
    ("{'a': 1}", Rejected(RejectCode.BAD_JSON)),
    ("1 2", Rejected(RejectCode.BAD_JSON)),
    ('["tab\there"]', Rejected(RejectCode.BAD_JSON)),
)
