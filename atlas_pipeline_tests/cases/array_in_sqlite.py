"""What looks like an array in SQLite is text, and JSON at best."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Rejected
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Text in a column of arrays",
    ColumnSpec(name="v", sql_type="TEXT", value=ValueType.ARRAY, items=ValueType.INTEGER),
    ("[1, 2]", Rejected(RejectCode.NOT_ARRAY)),
    ("{1,2}", Rejected(RejectCode.NOT_ARRAY)),
    absent={"postgresql": "its columns are typed"},
)
