"""BSON has no intervals; they are ISO 8601 text. Months and days are not added up, for no two months are alike."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Intervals",
    column(ValueType.TEXT, sqlite="TEXT", postgresql="INTERVAL"),
    (Per("P1Y2M3DT4H5M6S", "1 year 2 months 3 days 4:05:06"), Lands("string", "P1Y2M3DT4H5M6S")),
    (Per("P-1DT-1S", "-1 day -00:00:01"), Lands("string", "P-1DT-1S")),
    (Per("PT36H", "36 hours"), Lands("string", "PT36H")),
    ("PT0S", Lands("string", "PT0S")),
)
