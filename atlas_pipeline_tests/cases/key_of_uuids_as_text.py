"""In SQLite two spellings of one UUID are two keys. As texts they stay two."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Lands, Per
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "UUIDs in text keys",
    (column(ValueType.TEXT, sqlite="CHAR(36)", postgresql="UUID", name="k"),),
    (("6f1c1b1e-aaaa-4000-8000-0000000000ff",), Lands("string", "6f1c1b1e-aaaa-4000-8000-0000000000ff")),
    (
        ("6F1C1B1E-AAAA-4000-8000-0000000000F0",),
        Per(
            Lands("string", "6F1C1B1E-AAAA-4000-8000-0000000000F0"),
            Lands("string", "6f1c1b1e-aaaa-4000-8000-0000000000f0"),
        ),
    ),
    neighbour_key=("00000000-0000-0000-0000-000000000000",),
)
