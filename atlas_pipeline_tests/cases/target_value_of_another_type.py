"""The same value in another encoding is told from another value."""

from __future__ import annotations

from bson.decimal128 import Decimal128
from bson.int64 import Int64

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import Found, Lands, Plant
from atlas_pipeline_tests.cases.making import column, values

CASE = values(
    "A value of another type in the document",
    column(ValueType.DECIMAL, sqlite="TEXT", postgresql="NUMERIC"),
    ("1.50", Lands("decimal", "1.50")),
    ("0", Lands("decimal", "0")),
    ("5", Lands("decimal", "5")),
    plants=(
        Plant(
            says="numbers of another scale and type",
            delete=(1, 2, 3),
            insert=({"_id": 1, "v": Decimal128("1.5")}, {"_id": 2, "v": -0.0}, {"_id": 3, "v": Int64(5)}),
            finds=(
                Found("representation", 1, ("v",)),
                Found("representation", 2, ("v",)),
                Found("representation", 3, ("v",)),
            ),
        ),
        Plant(
            says="no number at all",
            delete=(1, 2, 3),
            insert=({"_id": 1, "v": "1.50"}, {"_id": 2, "v": False}, {"_id": 3, "v": [Decimal128("5")]}),
            finds=(Found("value", 1, ("v",)), Found("value", 2, ("v",)), Found("value", 3, ("v",))),
        ),
    ),
)
