"""A table with a column of every value type, with and without NULL, and a row of it that is good."""

from __future__ import annotations

from typing import Any

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec

Row = tuple[Any, ...]
LOOKUPS = {"owner": {42: ("0042",), 7: ("07", "7"), 1024: ("1024",)}}
"""The texts that the column `owner` may have lost to numbers."""


def column(value_type: ValueType, *, nullable: bool) -> ColumnSpec:
    name = f"{value_type}_{'or_null' if nullable else 'always'}"
    return ColumnSpec(name=name, sql_type="ANY", value=value_type, nullable=nullable)


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
    "boolean_always": 1,
    "datetime_always": "2025-06-30 12:00:00.123456",
    "json_object_always": '{"z": 1, "a": 2}',
    "json_array_always": "[2, 1]",
    "json_always": "5",
    "owner": 42,
}


def row_of(**changes: Any) -> Row:
    """A row of EVERY_TYPE, good and as full of NULL as may be, with changes."""
    given_values = {**GOOD, **changes}
    return tuple(given_values.get(name) for name in EVERY_TYPE.column_names)
