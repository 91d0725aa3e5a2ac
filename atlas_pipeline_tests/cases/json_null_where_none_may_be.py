"""The JSON text null is NULL, so a column that takes none refuses both."""

from __future__ import annotations

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON null in a column that is not nullable",
    column(ValueType.JSON_OBJECT, sqlite="TEXT", postgresql="JSON"),
    ("null", Rejected(RejectCode.NULL_VALUE)),
    (None, Rejected(RejectCode.NULL_VALUE)),
    ("{}", Lands("object", {})),
)
