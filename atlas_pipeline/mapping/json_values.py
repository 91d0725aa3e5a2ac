"""The canonical functions of JSON: a text into the value that BSON is to hold.

What belongs here: parsing, and which numbers, keys and depths are legal. What does not: values of single members of a
JSON value (`unpacking`), and which function a column has (`values`).
"""

from __future__ import annotations

import json
import math
import re
import sys
from collections.abc import Callable
from decimal import Decimal
from operator import itemgetter
from typing import Any

from pydantic_core import to_json

from atlas_pipeline.mapping.inexact import Note, unnoted
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.mapping.scalars import INT64_MAX, INT64_MIN, require_encodable, text

MAX_JSON_DEPTH = 100
"""Levels of nesting that a JSON value may have. MongoDB itself refused 180 and took 179."""

_SAFE_LENGTH = sys.float_info.dig + 1
"""A literal of so many characters, one of them its point or exponent, has no more digits than every double keeps."""
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
"""Half of a pair of escapes that together are one character; each may stand alone, which no UTF-8 can."""
_FIRST = itemgetter(0)
_SMALLEST, _LARGEST = sys.float_info.min, sys.float_info.max
"""Below the smallest doubles have fewer digits, above the largest there are none."""


def json_value(value: Any, decoder: json.JSONDecoder | None = None) -> Any:
    """Any JSON value with sorted keys. The JSON text `null` is None.

    Numbers follow one rule: without fraction and exponent an integer of 64 bits, else a double. SQLite's NUMERIC
    affinity has already turned numeric-looking JSON text into a number; such a number is that JSON value.

    Args:
        value: JSON text, or a number.
        decoder: Another than the one that refuses numbers that no double holds: one of `rounding`.
    """
    if type(value) is int or (type(value) is float and math.isfinite(value)):
        return value
    source = text(value)
    if source == "null":
        return None
    try:
        parsed = (decoder or _EXACT).decode(source)
    except json.JSONDecodeError as error:
        # The message of the parser names what it expected and where, never the text itself.
        raise ValueRejectedError(
            RejectCode.BAD_JSON, f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos}"
        ) from None
    except RecursionError:
        raise ValueRejectedError(RejectCode.JSON_DEPTH, f"nested deeper than {MAX_JSON_DEPTH} levels") from None
    if source.count("{") + source.count("[") > MAX_JSON_DEPTH and _depth(parsed) > MAX_JSON_DEPTH:
        raise ValueRejectedError(RejectCode.JSON_DEPTH, f"nested deeper than {MAX_JSON_DEPTH} levels")
    if _SURROGATE.search(source):
        require_encodable(json.dumps(parsed, ensure_ascii=False))
    return parsed


def json_object(value: Any, decoder: json.JSONDecoder | None = None) -> dict[str, Any] | None:
    """A JSON object; None for the JSON text `null`."""
    parsed = json_value(value, decoder)
    if parsed is not None and type(parsed) is not dict:
        raise ValueRejectedError(RejectCode.JSON_SHAPE, f"expected a JSON object, found {_json_kind(parsed)}")
    return parsed


def json_array(value: Any, decoder: json.JSONDecoder | None = None) -> list[Any] | None:
    """A JSON array; None for the JSON text `null`."""
    parsed = json_value(value, decoder)
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
    parsed = json_array(source, _LENIENT)
    if parsed is None or any(type(one) is not str for one in parsed):
        raise ValueRejectedError(RejectCode.JSON_SHAPE, "expected a JSON array of strings, found other items")
    return parsed


def rounding(note: Note) -> json.JSONDecoder:
    """A decoder that takes the nearest double for a number that none holds, and notes each."""
    return _decoder(note)


def _refuse_inexact(_: None) -> None:
    raise ValueRejectedError(RejectCode.INEXACT, "a number has more digits than a double holds")


def _fraction(note: Note) -> Callable[[str], float]:
    """The double that a literal names, noted where it is another number than the literal says.

    Short literals need no proof, for every double keeps so many digits; most others are a double's own shortest form.
    """

    def fraction(digits: str) -> float:
        number = float(digits)
        if len(digits) <= _SAFE_LENGTH and _SMALLEST <= abs(number) <= _LARGEST:
            return number
        if to_json(number) != digits.encode() and not _holds(number, digits):  # in a third of the time of repr()
            note(None)
        return number

    return fraction


def _holds(number: float, digits: str) -> bool:
    """Whether the shortest form of a double says what a literal says, to its last digit."""
    if math.isinf(number):
        raise ValueRejectedError(RejectCode.JSON_NUMBER, "a number is larger than a double can hold")
    if number == 0:
        return not digits.lower().partition("e")[0].strip("-0.")
    return Decimal(repr(number)) == Decimal(digits)


def _integer(digits: str) -> int:
    if len(digits) > 20 or not INT64_MIN <= (number := int(digits)) <= INT64_MAX:
        raise ValueRejectedError(
            RejectCode.JSON_NUMBER, f"an integer of {len(digits)} digits does not fit into 64 bits"
        )
    return number


def _sorted_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(sorted(pairs, key=_FIRST))
    if len(result) != len(pairs):
        raise ValueRejectedError(RejectCode.BAD_JSON, "an object holds the same key twice")
    if "\0" in "".join(result):
        raise ValueRejectedError(RejectCode.NUL_IN_KEY, "an object key holds a NUL character, which BSON cannot")
    return result


def _refuse_constant(name: str) -> Any:
    raise ValueRejectedError(RejectCode.BAD_JSON, f"the bare word {name} is not JSON")


def _decoder(note: Note) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_sorted_object,
        parse_constant=_refuse_constant,
        parse_int=_integer,
        parse_float=_fraction(note),
    )


_EXACT = _decoder(_refuse_inexact)
_LENIENT = _decoder(unnoted)
"""For JSON whose numbers are refused for being numbers."""


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        node, level = waiting.pop()
        if isinstance(node, dict | list):
            deepest = max(deepest, level)
            waiting.extend((child, level + 1) for child in (node.values() if isinstance(node, dict) else node))
    return deepest


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
