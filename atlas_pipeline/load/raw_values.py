"""Raw values of a source as BSON can hold them, and keys back from it.

What is kept of a refused row must show what the source gave, for that is what was wrong with it. What does not belong
here: which of them are secret (`quarantine`), and what a value should have been (`atlas_pipeline.mapping`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

from bson.binary import Binary

from atlas_pipeline.extract.snapshot import Row, Undecodable
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

LONGEST_VALUE = 64 * 1024
"""Characters or bytes of one value that are kept; a longer one is cut and says so."""
_NAMED = {"true": True, "false": False, "null": None, "none": None}
_AS_THEY_ARE = (str, bool, int, float, type(None))


def storable(value: Any) -> Any:
    """A raw value as BSON can hold it.

    Bytes that are no text stay bytes, what is too long is cut and says so, and what BSON has no type for, or would
    round, is its text beside the name of its kind.
    """
    if isinstance(value, str | bytes | list) and len(value) > LONGEST_VALUE:
        kept: Any = value[:LONGEST_VALUE]
        return {"cut_to": storable(Undecodable(kept) if isinstance(value, Undecodable) else kept), "length": len(value)}
    if isinstance(value, Undecodable):
        return _undecodable(bytes(value))
    if isinstance(value, bytes):
        return Binary(value)
    return [storable(item) for item in value] if isinstance(value, list) else _or_text(value)


def storable_key(key: Sequence[Any]) -> list[Any]:
    """The key of a row as its quarantine entry has it."""
    return [storable(value) for value in key]


def source_key(entry: Mapping[str, Any], table: TableSpec) -> Row | None:
    """The key with which the row of a quarantine entry can be asked for, or None when it cannot be.

    No row can be found by NULL, by what Python cannot hold, or by a part of a text.
    """
    stored = entry["key"]
    if len(stored) != len(table.key):
        return None
    key = tuple(_key_value(value, column) for value, column in zip(stored, table.key_columns, strict=True))
    return None if None in key else key


def keys_written_as(text: str, table: TableSpec) -> list[list[Any]]:
    """The stored keys that a person may mean by a text as `quarantine list` shows keys, values parted by commas."""
    words = [text] if len(table.key) == 1 else [word.strip() for word in text.split(",")]
    keys: list[list[Any]] = [[]]
    for word in words:
        keys = [[*key, value] for key in keys for value in _written_as(word)]
    return keys if len(words) == len(table.key) else []


def _or_text(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and not -(2**63) <= value < 2**63:
        return {"integer": str(value)[:LONGEST_VALUE]}
    if isinstance(value, _AS_THEY_ARE):
        return value
    if isinstance(value, Decimal):
        return {"decimal": str(value)[:LONGEST_VALUE]}
    if isinstance(value, datetime):
        return value if value.tzinfo is not None and value.microsecond % 1000 == 0 else {"moment": value.isoformat()}
    if isinstance(value, UUID | date):
        return str(value)
    return {type(value).__name__: str(value)[:LONGEST_VALUE]}


def _undecodable(raw: bytes) -> Document:
    """Text that is not UTF-8, or a value that the driver has no type for, such as a moment before Christ."""
    try:
        return {"no_value": raw.decode("utf-8")}
    except UnicodeDecodeError:
        return {"not_utf8": Binary(raw)}


def _key_value(value: Any, column: ColumnSpec) -> Any:
    match value:
        case {"integer": str(digits), **rest} if not rest:
            return _number(int, digits)
        case {"decimal": str(digits), **rest} if not rest:
            return _number(Decimal, digits)
        case dict() | list() | datetime():
            return None
        case str() if column.value is ValueType.UUID:
            return _number(UUID, value) or value
    return value


def _number(kind: Any, text: str) -> Any:
    try:
        return kind(text)
    except (ValueError, InvalidOperation):
        return None


def _written_as(word: str) -> list[Any]:
    """What a word may stand for: a text, or a value of another kind that is shown in this way."""
    found: list[Any] = [word, {"decimal": word}, {"integer": word}, {"no_value": word}]
    found += [one for kind in (int, float) if (one := _number(kind, word)) is not None and storable(one) == one]
    found += [value for name, value in _NAMED.items() if name == word.lower()]
    if word.startswith("0x"):
        try:
            raw = bytes.fromhex(word[2:])
        except ValueError:
            return found
        found += [Binary(raw), {"not_utf8": Binary(raw)}]
    return found
