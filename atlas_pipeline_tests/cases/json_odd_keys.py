"""Keys that MongoDB's query language has a use for are legal in documents, the empty one too."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "Odd keys in JSON",
    column(ValueType.JSON, sqlite="TEXT", postgresql="JSONB"),
    ('{"$set": 1, "a.b": 2, "": 3}', Lands("object", {"": 3, "$set": 1, "a.b": 2})),
    ('{"a": {"$gt": 1}}', Lands("object", {"a": {"$gt": 1}})),
    ('{"_id": 1, "__proto__": 2}', Lands("object", {"__proto__": 2, "_id": 1})),
    ('{"ключ": 1, "🎉": 2}', Lands("object", {"ключ": 1, "🎉": 2})),
    ways=WAYS,
)
