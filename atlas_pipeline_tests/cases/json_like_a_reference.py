"""An object that looks as drivers spell references, object ids and dates stays an object."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "JSON that looks like extended JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSON"),
    ('{"$id": 1, "$ref": "users"}', Lands("object", {"$id": 1, "$ref": "users"})),
    ('{"$oid": "000000000000000000000000"}', Lands("object", {"$oid": "000000000000000000000000"})),
    ('{"$date": 0}', Lands("object", {"$date": 0})),
    ('{"$numberLong": "5"}', Lands("object", {"$numberLong": "5"})),
    ways=WAYS,
)
