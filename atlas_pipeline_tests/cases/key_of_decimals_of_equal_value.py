"""1.0 and 1.00 are one key to both databases, whatever their scale."""

from __future__ import annotations

from decimal import Decimal

from bson.decimal128 import Decimal128

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Found, Lands, Per, Plant
from atlas_pipeline_tests.cases.making import keys

CASE = keys(
    "Decimal keys of the same value and another scale",
    (ColumnSpec(name="k", sql_type="NUMERIC", value=ValueType.DECIMAL),),
    ((Decimal("1.0"),), Lands("decimal", "1.0")),
    ((Decimal("2.00"),), Lands("decimal", "2.00")),
    ((Decimal("3"),), Lands("decimal", "3")),
    absent={"sqlite": "it keeps no scale"},
    neighbour_key=Per((99,), (Decimal(99),)),
    plants=(
        Plant(
            says="the same numbers of another scale in the documents",
            delete=(Decimal128("1.0"), Decimal128("3")),
            insert=({"_id": Decimal128("1.00"), "note": "row 1"}, {"_id": 3, "note": "row 3"}),
            finds=(
                Found("representation", Decimal128("1.0"), ("_id",)),
                Found("representation", Decimal128("3"), ("_id",)),
            ),
        ),
    ),
)
