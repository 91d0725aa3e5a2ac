"""One item that does not fit refuses the row, with the code of the item."""

from __future__ import annotations

from bson.decimal128 import Decimal128

from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.cases.case import Lands, Rejected, Sql
from atlas_pipeline_tests.cases.making import values

CASE = values(
    "Arrays with an item that does not fit",
    ColumnSpec(name="v", sql_type="NUMERIC[]", value=ValueType.ARRAY, items=ValueType.DECIMAL),
    (Sql("ARRAY[1.50, 12345678901234567890123456789012345]::numeric[]"), Rejected(RejectCode.NOT_NUMBER)),
    (Sql("ARRAY[1.50, NULL, 'NaN']::numeric[]"), Lands("array", [Decimal128("1.50"), None, Decimal128("NaN")])),
    absent={"sqlite": "it has no arrays"},
)
