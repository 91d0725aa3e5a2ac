"""A time series gives fields back in another order and takes one `_id` twice. It is compared as a whole."""

from __future__ import annotations

from datetime import UTC, datetime

from bson.objectid import ObjectId

from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.cases.case import WAYS, Found, Lands, Plant, Way
from atlas_pipeline_tests.cases.making import values

FOREIGN = ObjectId("0123456789abcdef01234567")
REST = {"at": datetime(2026, 1, 1, tzinfo=UTC), "place": "here", "v": "a"}
SERIES: Way = "as a time series"

CASE = values(
    "Changes of a time series",
    text("v"),
    ("a", Lands("string", "a")),
    ("b", Lands("string", "b")),
    ways=WAYS,
    plants=(
        Plant(
            says="a foreign document",
            way=SERIES,
            insert=({"_id": FOREIGN, **REST},),
            finds=(Found("extra_in_target", FOREIGN),),
        ),
        Plant(says="a document twice", way=SERIES, insert=({"_id": 1, **REST},), finds=(Found("extra_in_target", 1),)),
        Plant(
            says="one row new, one gone",
            way=SERIES,
            source=("UPDATE {table} SET id = 3 WHERE id = 2",),
            finds=(Found("missing_in_target", 3), Found("extra_in_target", 2)),
        ),
    ),
)
