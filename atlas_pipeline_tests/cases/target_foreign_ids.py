"""Documents whose `_id` no row can have, of types that sort before and behind all integers."""

from __future__ import annotations

from bson.objectid import ObjectId

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Found, Lands, Plant
from atlas_pipeline_tests.cases.making import values

OBJECT_ID = ObjectId("0123456789abcdef01234567")

CASE = values(
    "An ObjectId, a string and a null as foreign ids among integer keys",
    text("v"),
    ("a", Lands("string", "a")),
    ("b", Lands("string", "b")),
    plants=(
        Plant(says="an ObjectId", insert=({"_id": OBJECT_ID, "v": "a"},), finds=(Found("extra_in_target", OBJECT_ID),)),
        Plant(says="a string", insert=({"_id": "1", "v": "a"},), finds=(Found("extra_in_target", "1"),)),
        Plant(says="a null", insert=({"_id": None, "v": "a"},), finds=(Found("extra_in_target", None),)),
        Plant(
            says="all three and a number",
            insert=({"_id": OBJECT_ID}, {"_id": "1"}, {"_id": None}, {"_id": 1.5}),
            finds=(
                Found("extra_in_target", OBJECT_ID),
                Found("extra_in_target", "1"),
                Found("extra_in_target", None),
                Found("extra_in_target", 1.5),
            ),
        ),
    ),
)
