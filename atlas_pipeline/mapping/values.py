"""The canonical functions: one per value type, shared by the loader and everything that verifies it.

Each takes a value as the source driver returns it, never NULL, and gives the one Python value that encodes to the
canonical BSON. What does not fit is refused with `ValueRejectedError`, never bent. What does not belong here: plain
values (`scalars`), whole rows, and values that depend on other tables.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from atlas_pipeline.errors import SpecError
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.mapping.scalars import (
    INT64_MAX,
    INT64_MIN,
    binary,
    boolean,
    day,
    decimal,
    double,
    integer,
    require_encodable,
    shape_of,
    text,
    utc_datetime,
    utc_datetime_from,
    uuid,
)
from atlas_pipeline.spec.columns import ColumnSpec, ValueType

MAX_JSON_DEPTH = 100
"""Levels of nesting that a JSON value may have. MongoDB itself refused 180 and took 179."""


def array_of(canonical: Callable[[Any], Any]) -> Callable[[Any], list[Any]]:
    """The canonical function of arrays, nested where they have several dimensions. Items may be null."""

    def array(value: Any) -> list[Any]:
        if type(value) is not list:
            raise ValueRejectedError(RejectCode.NOT_ARRAY, f"expected an array, found {shape_of(value)}")
        return [None if one is None else array(one) if type(one) is list else canonical(one) for one in value]

    return array


def json_value(value: Any) -> Any:
    """Any JSON value with sorted keys. The JSON text `null` is None.

    Numbers follow one rule: without fraction and exponent an integer of 64 bits, else a double. SQLite's NUMERIC
    affinity has already turned numeric-looking JSON text into a number; such a number is that JSON value.
    """
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    source = text(value)
    if source == "null":
        return None
    try:
        parsed = _JSON.decode(source)
    except json.JSONDecodeError as error:
        # The message of the parser names what it expected and where, never the text itself.
        raise ValueRejectedError(
            RejectCode.BAD_JSON, f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos}"
        ) from None
    except RecursionError:
        raise ValueRejectedError(RejectCode.JSON_DEPTH, f"nested deeper than {MAX_JSON_DEPTH} levels") from None
    if source.count("{") + source.count("[") > MAX_JSON_DEPTH and _depth(parsed) > MAX_JSON_DEPTH:
        raise ValueRejectedError(RejectCode.JSON_DEPTH, f"nested deeper than {MAX_JSON_DEPTH} levels")
    if "\\u" in source:
        require_encodable(json.dumps(parsed, ensure_ascii=False))
    return parsed


def json_object(value: Any) -> dict[str, Any] | None:
    """A JSON object; None for the JSON text `null`."""
    parsed = json_value(value)
    if parsed is not None and type(parsed) is not dict:
        raise ValueRejectedError(RejectCode.JSON_SHAPE, f"expected a JSON object, found {_json_kind(parsed)}")
    return parsed


def json_array(value: Any) -> list[Any] | None:
    """A JSON array; None for the JSON text `null`."""
    parsed = json_value(value)
    if parsed is not None and type(parsed) is not list:
        raise ValueRejectedError(RejectCode.JSON_SHAPE, f"expected a JSON array, found {_json_kind(parsed)}")
    return parsed


def text_list(value: Any) -> list[str] | None:
    """Texts in one text: a JSON array of strings, else the parts between commas, trimmed, empty ones left out; None for
    the JSON text `null`.
    """
    source = text(value)
    if source == "null":
        return None
    if not source.lstrip().startswith("["):
        return [part for one in source.split(",") if (part := one.strip())]
    parsed = json_array(source)
    if parsed is None or any(type(one) is not str for one in parsed):
        raise ValueRejectedError(RejectCode.JSON_SHAPE, "expected a JSON array of strings, found other items")
    return parsed


CANONICAL: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: text,
    ValueType.INTEGER: integer,
    ValueType.DOUBLE: double,
    ValueType.DECIMAL: decimal,
    ValueType.BOOLEAN: boolean,
    ValueType.DATETIME: utc_datetime,
    ValueType.DATE: day,
    ValueType.UUID: uuid,
    ValueType.BINARY: binary,
    ValueType.TEXT_LIST: text_list,
    ValueType.JSON: json_value,
    ValueType.JSON_OBJECT: json_object,
    ValueType.JSON_ARRAY: json_array,
}
"""The canonical function of each value type but ARRAY, whose function depends on its items."""


def canonical_of(column: ColumnSpec) -> Callable[[Any], Any]:
    """The canonical function of a column, with its items and its zone. Raises SpecError for an unknown zone."""
    value = column.items if column.items is not None else column.value
    canonical = CANONICAL[value]
    if value is ValueType.DATETIME and column.zone != "UTC":
        try:
            canonical = utc_datetime_from(ZoneInfo(column.zone))
        except (ZoneInfoNotFoundError, ValueError):
            raise SpecError(
                f"Column {column.name}: unknown time zone {column.zone}.", "name it as Europe/Berlin does"
            ) from None
    return array_of(canonical) if column.value is ValueType.ARRAY else canonical


IDENTITY_TYPES = frozenset({ValueType.TEXT, ValueType.INTEGER})
"""Types whose canonical function only checks. On the bulk path the document contract makes the same check by batch.
Doubles are not among them: the contract would round an integer that no double holds.
"""


def loses_microseconds(moment: datetime | None) -> bool:
    """Whether a BSON date, which holds milliseconds, cuts something off this moment."""
    return moment is not None and moment.microsecond % 1000 != 0


def _json_kind(value: Any) -> str:
    names = {
        dict: "an object",
        list: "an array",
        str: "a string",
        int: "a number",
        float: "a number",
        bool: "a boolean",
    }
    return names[type(value)]


def _sorted_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(sorted(pairs, key=_first))
    if len(result) != len(pairs):
        raise ValueRejectedError(RejectCode.BAD_JSON, "an object holds the same key twice")
    for key in result:
        if "\0" in key:
            raise ValueRejectedError(RejectCode.NUL_IN_KEY, "an object key holds a NUL character, which BSON cannot")
    return result


def _first(pair: tuple[str, Any]) -> str:
    return pair[0]


def _refuse_constant(name: str) -> Any:
    raise ValueRejectedError(RejectCode.BAD_JSON, f"the bare word {name} is not JSON")


def _json_integer(digits: str) -> int:
    if len(digits) > 20 or not INT64_MIN <= (number := int(digits)) <= INT64_MAX:
        raise ValueRejectedError(
            RejectCode.JSON_NUMBER, f"an integer of {len(digits)} digits does not fit into 64 bits"
        )
    return number


def _json_double(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueRejectedError(RejectCode.JSON_NUMBER, "a number is larger than a double can hold")
    return number


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        node, level = waiting.pop()
        if isinstance(node, dict | list):
            deepest = max(deepest, level)
            waiting.extend((child, level + 1) for child in (node.values() if isinstance(node, dict) else node))
    return deepest


_JSON = json.JSONDecoder(
    object_pairs_hook=_sorted_object,
    parse_constant=_refuse_constant,
    parse_int=_json_integer,
    parse_float=_json_double,
)
