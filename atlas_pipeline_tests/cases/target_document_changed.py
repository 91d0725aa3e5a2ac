"""Fields that are gone, new, null, empty or in another order, and documents that are gone."""

from __future__ import annotations

from atlas_pipeline.spec.shorthand import json_value
from atlas_pipeline_tests.cases.case import Found, Lands, Plant
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Documents changed by others",
    json_value("v", sql_type="TEXT", nullable=True),
    ('{"a": 1, "b": [1, {"c": "x"}]}', Lands("object", {"a": 1, "b": [1, {"c": "x"}]})),
    (None, Lands("null")),
    ('""', Lands("string", "")),
    plants=(
        Plant(says="a document gone", delete=(2,), finds=(Found("missing_in_target", 2),)),
        Plant(
            says="a field gone, an empty text null, one letter deep inside",
            delete=(1, 2, 3),
            insert=({"_id": 1, "v": {"a": 1, "b": [1, {"c": "y"}]}}, {"_id": 2}, {"_id": 3, "v": None}),
            finds=(Found("value", 1, ("v.b.1.c",)), Found("value", 2, ("v",)), Found("value", 3, ("v",))),
        ),
        Plant(
            says="a new field",
            delete=(2,),
            insert=({"_id": 2, "v": None, "new": 1},),
            finds=(Found("value", 2, ("new",)),),
        ),
        Plant(
            says="fields in another order",
            delete=(1,),
            insert=({"_id": 1, "v": {"b": [1, {"c": "x"}], "a": 1}},),
            finds=(Found("representation", 1, ("v (field order)",)),),
        ),
    ),
)
