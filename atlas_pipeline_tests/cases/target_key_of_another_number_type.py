"""1, Int64(1), 1.0 and Decimal 1.00 are one key to MongoDB, in four encodings, of which one is canonical."""

from __future__ import annotations

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import Found, Lands, Plant
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "A key that is 1, Int64(1), 1.0 and Decimal 1.00",
    text("v"),
    ("a", Lands("string", "a")),
    ("b", Lands("string", "b")),
    plants=(
        Plant(says="1", delete=(1,), insert=({"_id": 1, "v": "a"},)),
        Plant(
            says="Int64(1)",
            delete=(1,),
            insert=({"_id": Int64(1), "v": "a"},),
            finds=(Found("representation", 1, ("_id",)),),
        ),
        Plant(says="1.0", delete=(1,), insert=({"_id": 1.0, "v": "a"},), finds=(Found("representation", 1, ("_id",)),)),
        Plant(
            says="Decimal 1.00",
            delete=(1,),
            insert=({"_id": Decimal128("1.00"), "v": "a"},),
            finds=(Found("representation", 1, ("_id",)),),
        ),
        Plant(
            says="1.0 with another value",
            delete=(1,),
            insert=({"_id": 1.0, "v": "A"},),
            finds=(Found("value", 1, ("_id", "v")),),
        ),
    ),
)
