"""Keys on both sides: the `_id` that a source key becomes, and the source key that an `_id` came from.

What belongs here: single keys, both ways, and whether the order of the source is that of the target. What does not:
walking them (`atlas_pipeline.reconcile`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from bson.binary import UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128

from atlas_pipeline.mapping.reject import ValueRejectedError
from atlas_pipeline.mapping.scalars import INT64_MAX, INT64_MIN
from atlas_pipeline.mapping.values import canonical_of
from atlas_pipeline.spec.columns import ORDERED_KEY_TYPES, ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec

Row = tuple[Any, ...]


class KeyCodec:
    """Converts the keys of one table.

    Args:
        table: The table.
    """

    def __init__(self, table: TableSpec) -> None:
        self._columns = table.key_columns
        self._canonical = [canonical_of(column) for column in table.key_columns]
        self._fields = [column.field for column in table.key_columns]

    @property
    def order_preserving(self) -> bool:
        """Whether rows in key order are documents in `_id` order."""
        return all(column.value in ORDERED_KEY_TYPES for column in self._columns)

    def identifier(self, key: Sequence[Any]) -> Any:
        """The `_id` of a source key, or None when no document can have it: `_id`s are never null here."""
        try:
            values = [canonical(value) for canonical, value in zip(self._canonical, key, strict=True)]
        except ValueRejectedError:
            return None
        if len(values) == 1:
            return values[0]
        return dict(zip(self._fields, values, strict=True))

    def source_key(self, identifier: Any) -> Row | None:
        """The source key that became this `_id`, or None when none can have.

        Numbers of another width are the same key, as they are for the server.
        """
        if len(self._columns) == 1:
            values = [identifier]
        elif isinstance(identifier, Mapping) and list(identifier) == self._fields:
            values = list(identifier.values())
        else:
            return None
        key = tuple(_BACK[column.value](value) for column, value in zip(self._columns, values, strict=True))
        return None if None in key else key

    def from_text(self, words: Sequence[str]) -> Row | None:
        """The source key that a person wrote, one word for each column, or None when it is none."""
        if len(words) != len(self._columns):
            return None
        key = tuple(_read(column, word) for column, word in zip(self._columns, words, strict=True))
        return None if None in key else key


def _whole(value: Any) -> int | None:
    if isinstance(value, Decimal128):
        value = value.to_decimal()
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = int(value)
    except (ValueError, OverflowError, TypeError):
        return None
    return number if number == value and INT64_MIN <= number <= INT64_MAX else None


def _day(value: Any) -> str | None:
    """As its text, which every source compares with its dates."""
    if not isinstance(value, datetime):
        return None
    moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return f"{moment:%Y-%m-%d}".zfill(10) if (moment.hour, moment.minute, moment.second) == (0, 0, 0) else None


def _number(value: Any) -> Any:
    if isinstance(value, Decimal128):
        number = value.to_decimal()
        return number if number.is_finite() else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


_BACK: Mapping[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: lambda value: value if type(value) is str and "\0" not in value else None,
    ValueType.INTEGER: _whole,
    ValueType.DATE: _day,
    ValueType.UUID: lambda value: (
        UUID(bytes=bytes(value)) if isinstance(value, Binary) and value.subtype == UUID_SUBTYPE else None
    ),
    ValueType.DECIMAL: _number,
    ValueType.BINARY: lambda value: (
        bytes(value) if isinstance(value, bytes) and getattr(value, "subtype", 0) == 0 else None
    ),
    ValueType.BOOLEAN: lambda value: value if isinstance(value, bool) else None,
}


def _read(column: ColumnSpec, word: str) -> Any:
    try:
        match column.value:
            case ValueType.INTEGER:
                return int(word)
            case ValueType.BINARY:
                return bytes.fromhex(word.removeprefix("0x"))
            case ValueType.BOOLEAN:
                return {"true": True, "1": True, "false": False, "0": False}[word.lower()]
            case ValueType.UUID:
                return UUID(word)
    except (ValueError, KeyError):
        return None
    return word
