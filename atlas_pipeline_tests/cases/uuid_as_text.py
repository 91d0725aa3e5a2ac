"""As text a UUID keeps its case; PostgreSQL has one case only."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "UUIDs as text",
    column(ValueType.TEXT, sqlite="CHAR(36)", postgresql="UUID"),
    (
        "6F1C1B1E-AAAA-4000-8000-0000000000FF",
        Per(
            Lands("string", "6F1C1B1E-AAAA-4000-8000-0000000000FF"),
            Lands("string", "6f1c1b1e-aaaa-4000-8000-0000000000ff"),
        ),
    ),
)
