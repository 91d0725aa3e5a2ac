"""The canonical functions: one per value type, shared by the loader and everything that verifies it.

Each takes a value as the source driver returns it, never NULL, and gives the one Python value that encodes to the
canonical BSON. What does not fit is refused with `ValueRejectedError`, never bent. What does not belong here: whole
rows, and values that depend on other tables.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.spec.columns import ValueType

MAX_JSON_DEPTH = 100
"""Levels of nesting that a JSON value may have. MongoDB itself refused 180 and took 179."""

_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def text(value: Any) -> str:
    """Text as stored: never trimmed, never re-cased, never read as a number."""
    if type(value) is str:
        if not value.isascii():
            _require_encodable(value)
        return value
    if isinstance(value, Undecodable):
        raise ValueRejectedError(RejectCode.NOT_UTF8, f"text of {len(value)} bytes is not UTF-8")
    raise ValueRejectedError(RejectCode.NOT_TEXT, f"expected text, found {_shape(value)}")


def integer(value: Any) -> int:
    """A 64-bit integer. Text and fractions in an integer column are refused, also when they look whole."""
    if type(value) is not int:
        raise ValueRejectedError(RejectCode.NOT_INTEGER, f"expected an integer, found {_shape(value)}")
    if not _INT64_MIN <= value <= _INT64_MAX:
        raise ValueRejectedError(RejectCode.NOT_INTEGER, "the integer does not fit into 64 bits")
    return value


def double(value: Any) -> float:
    """A binary double. Whole numbers become doubles when that is exact."""
    if type(value) is float:
        return value
    if type(value) is int and abs(value) <= 2**53:
        return float(value)
    raise ValueRejectedError(RejectCode.NOT_NUMBER, f"expected a number that a double holds, found {_shape(value)}")


def boolean(value: Any) -> bool:
    """0 and 1. Anything else is an error to report, never false."""
    if type(value) is int and value in (0, 1):
        return value == 1
    raise ValueRejectedError(RejectCode.NOT_BOOLEAN, f"expected 0 or 1, found {_shape(value)}")


def utc_datetime(value: Any) -> datetime:
    """Text `YYYY-MM-DD HH:MM:SS[.ffffff]`, UTC unless it names an offset. BSON cuts the microseconds."""
    if type(value) is not str or _TIMESTAMP.fullmatch(value) is None:
        raise ValueRejectedError(RejectCode.NOT_DATE, f"expected 'YYYY-MM-DD HH:MM:SS[.ffffff]', found {_shape(value)}")
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueRejectedError(RejectCode.NOT_DATE, "the text has the form of a date but names none") from None


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
        _require_encodable(json.dumps(parsed, ensure_ascii=False))
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


CANONICAL: dict[ValueType, Callable[[Any], Any]] = {
    ValueType.TEXT: text,
    ValueType.INTEGER: integer,
    ValueType.DOUBLE: double,
    ValueType.BOOLEAN: boolean,
    ValueType.DATETIME: utc_datetime,
    ValueType.JSON: json_value,
    ValueType.JSON_OBJECT: json_object,
    ValueType.JSON_ARRAY: json_array,
}
"""The canonical function of each value type."""

IDENTITY_TYPES = frozenset({ValueType.TEXT, ValueType.INTEGER})
"""Types whose canonical function only checks. On the bulk path the document contract makes the same check by batch.
Doubles are not among them: the contract would round an integer that no double holds.
"""


def loses_microseconds(moment: datetime | None) -> bool:
    """Whether a BSON date, which holds milliseconds, cuts something off this moment."""
    return moment is not None and moment.microsecond % 1000 != 0


def _shape(value: Any) -> str:
    """What kind of value was found, without the value itself."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    names = {int: "an integer", float: "a number with fraction", type(None): "null"}
    return names.get(type(value), type(value).__name__)


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


def _require_encodable(value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueRejectedError(
            RejectCode.LONE_SURROGATE, f"a lone surrogate at character {error.start} has no UTF-8 form"
        ) from None


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
    if len(digits) > 20 or not _INT64_MIN <= (number := int(digits)) <= _INT64_MAX:
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
