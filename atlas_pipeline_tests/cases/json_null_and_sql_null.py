"""Both become null. Where NULL is not legal, neither is the JSON text null."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON null and SQL NULL",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSONB", nullable=True),
    (None, Lands("null")),
    ("null", Lands("null")),
    ('{"a": null}', Lands("object", {"a": None})),
    ("[null]", Lands("array", [None])),
    ways=WAYS,
)
