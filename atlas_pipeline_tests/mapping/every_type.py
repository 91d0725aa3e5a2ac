"""A table with a column of every value type, with and without NULL, and a row of it that is good."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.spec.columns import ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec

Row = tuple[Any, ...]
LOOKUPS = Lookups(texts={"owner": {42: ("0042",), 7: ("07", "7"), 1024: ("1024",)}})
"""The texts that the column `owner` may have lost to numbers."""


def column(value_type: ValueType, *, nullable: bool) -> ColumnSpec:
    name = f"{value_type}_{'or_null' if nullable else 'always'}"
    items = ValueType.TEXT if value_type is ValueType.ARRAY else None
    inexact: Inexact = "milliseconds" if value_type is ValueType.DATETIME else "refuse"
    return ColumnSpec(name=name, sql_type="ANY", value=value_type, items=items, inexact=inexact, nullable=nullable)


EVERY_TYPE = TableSpec(
    source="every_type",
    collection="every_type",
    key=("id",),
    columns=(
        integer("id"),
        *(column(value_type, nullable=False) for value_type in ValueType),
        text("owner", sql_type="INTEGER", nullable=True, restored_from=("users", "id")),
        *(column(value_type, nullable=True) for value_type in ValueType),
    ),
)
GOOD: dict[str, Any] = {
    "id": 1,
    "text_always": "Zoe\u0308 🎉",
    "integer_always": 2**31,
    "double_always": 0.1,
    "decimal_always": Decimal("1.50"),
    "boolean_always": 1,
    "datetime_always": "2025-06-30 12:00:00.123456",
    "date_always": date(2025, 6, 30),
    "uuid_always": UUID("6f1c1b1e-0000-4000-8000-0000000000aa"),
    "binary_always": b"\x00\xff",
    "array_always": ["a", None],
    "text_list_always": "a, b",
    "json_object_always": '{"z": 1, "a": 2}',
    "json_array_always": "[2, 1]",
    "json_always": "5",
    "owner": 42,
}


def row_of(**changes: Any) -> Row:
    """A row of EVERY_TYPE, good and as full of NULL as may be, with changes."""
    given_values = {**GOOD, **changes}
    return tuple(given_values.get(name) for name in EVERY_TYPE.column_names)
