"""Keys from one end of 64 bits to the other, of which BSON stores some as int32."""

from __future__ import annotations

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.cases.case import WAYS, Lands
from atlas_pipeline_tests.cases.making import column, keys

CASE = keys(
    "Integers as keys",
    (column(ValueType.INTEGER, sqlite="INTEGER", postgresql="BIGINT", name="k"),),
    ((-(2**63),), Lands("long", -(2**63))),
    ((-1,), Lands("int", -1)),
    ((0,), Lands("int", 0)),
    ((2**31,), Lands("long", 2**31)),
    ((2**53,), Lands("long", 2**53)),
    ((2**53 + 1,), Lands("long", 2**53 + 1)),
    ((2**63 - 1,), Lands("long", 2**63 - 1)),
    neighbour_key=(7,),
    ways=WAYS,
)
