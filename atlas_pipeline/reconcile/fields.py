"""Where two encoded documents differ: paths, values and types, taken from the bytes, so that nothing is bent.

Secret values come out as fingerprints under a key that only one verification has: equal ones look equal, and nothing
else can be learned. What does not belong here: which documents to compare.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection
from decimal import Decimal
from typing import Any

import bson
from bson.binary import Binary
from bson.decimal128 import Decimal128

from atlas_pipeline.load.encoded import ARRAY, OBJECT, elements
from atlas_pipeline.reconcile.compare import FIELD_ORDER
from atlas_pipeline.reconcile.differences import FieldDifference, Kind

LONGEST_SHOWN = 200
"""Characters of one value that are shown."""
REPEATED_FIELDS = "(repeated fields)"
_FRAME = 5
"""Bytes of a document beside its fields: length (4) and end (1)."""
_TYPES = {
    0x01: "double", 0x02: "string", 0x03: "object", 0x04: "array", 0x05: "binData", 0x06: "undefined",
    0x07: "objectId", 0x08: "bool", 0x09: "date", 0x0A: "null", 0x0B: "regex", 0x0C: "dbPointer", 0x0D: "javascript",
    0x0E: "symbol", 0x0F: "javascriptWithScope", 0x10: "int", 0x11: "timestamp", 0x12: "long", 0x13: "decimal",
    0x7F: "maxKey", 0xFF: "minKey",
}  # fmt: skip
_NUMBERS = frozenset({0x01, 0x10, 0x12, 0x13})
_MISSING = "missing"
_OPTIONS: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(
    tz_aware=True, datetime_conversion=bson.DatetimeConversion.DATETIME_AUTO
)
_Found = tuple[FieldDifference, bool]
"""A difference, and whether it is one of representation only."""


class FieldComparison:
    """Compares documents of one table.

    Args:
        secret_paths: Paths of fields whose values must not be shown.
        secret: Key of the fingerprints; new for each verification.
    """

    def __init__(self, secret_paths: Collection[str], secret: bytes) -> None:
        self._secret_paths = frozenset(secret_paths)
        self._secret = secret

    def compare(self, expected: bytes, actual: bytes) -> tuple[Kind, tuple[FieldDifference, ...]]:
        """Kind and places of the differences of two documents whose bytes differ."""
        found = self.places(expected, actual)
        kind = Kind.REPRESENTATION if all(same_value for _, same_value in found) else Kind.VALUE
        return kind, tuple(difference for difference, _ in found)

    def places(self, expected: bytes, actual: bytes) -> list[tuple[FieldDifference, bool]]:
        """Every place where two documents differ, and whether it holds the same value there, represented otherwise."""
        return self._objects("", expected, actual)

    def _objects(self, path: str, expected: bytes, actual: bytes) -> list[_Found]:
        left, right = elements(expected), elements(actual)
        found: list[_Found] = []
        for name in [*left, *(name for name in right if name not in left)]:
            one, other = left.get(name), right.get(name)
            if one != other:
                inner = name[:-1].decode("utf-8", "replace")
                found += self._values(f"{path}.{inner}" if path else inner, one, other, len(name) + 1)
        if not found and list(left) != list(right):
            place = f"{path} {FIELD_ORDER}" if path else FIELD_ORDER
            names = [", ".join(name[:-1].decode("utf-8", "replace") for name in side) for side in (left, right)]
            shown = [self._sealed(name.encode()) if self._is_secret(path) else _short(name) for name in names]
            difference = FieldDifference(
                path=place, expected=shown[0], expected_type="object", actual=shown[1], actual_type="object"
            )
            found.append((difference, True))
        if sum(map(len, right.values())) + _FRAME != len(actual):
            place = f"{path} {REPEATED_FIELDS}" if path else REPEATED_FIELDS
            difference = FieldDifference(
                path=place, expected="", expected_type="object", actual="one name twice", actual_type="object"
            )
            found.append((difference, False))
        return found

    def _values(self, path: str, expected: bytes | None, actual: bytes | None, start: int) -> list[_Found]:
        """Differences of one field, given as elements whose value begins at `start`."""
        if expected and actual and expected[0] == actual[0] and expected[0] in (OBJECT, ARRAY):
            if not self._is_secret(path):
                return self._objects(path, expected[start:], actual[start:])
        elif expected and actual and (expected[0] in _NUMBERS) and (actual[0] in _NUMBERS):
            return [(self._difference(path, expected, actual, start), _equal_numbers(expected, actual))]
        return [(self._difference(path, expected, actual, start), False)]

    def _difference(self, path: str, expected: bytes | None, actual: bytes | None, start: int) -> FieldDifference:
        hidden = self._is_secret(path) or any(secret.startswith(f"{path}.") for secret in self._secret_paths)
        show: Callable[[bytes, int], str] = self._fingerprint if hidden else _shown
        return FieldDifference(
            path=path,
            expected="" if expected is None else show(expected, start),
            expected_type=_MISSING if expected is None else _TYPES[expected[0]],
            actual="" if actual is None else show(actual, start),
            actual_type=_MISSING if actual is None else _TYPES[actual[0]],
        )

    def _is_secret(self, path: str) -> bool:
        return any(path == secret or path.startswith(f"{secret}.") for secret in self._secret_paths)

    def _fingerprint(self, element: bytes, start: int) -> str:
        return self._sealed(element[:1] + element[start:])

    def _sealed(self, value: bytes) -> str:
        return f"hmac:{hmac.new(self._secret, value, hashlib.sha256).hexdigest()[:16]}"


def shown(value: Any) -> str:
    """A decoded value as short text in which types can be told apart."""
    match value:
        case str():
            text = repr(value)
        case Binary() | bytes():
            text = f"0x{bytes(value[:LONGEST_SHOWN]).hex()}"
        case Decimal128():
            text = str(value)
        case bool():
            text = str(value).lower()
        case None:
            text = "null"
        case dict():
            text = "{" + ", ".join(f"{name}: {shown(part)}" for name, part in list(value.items())[:20]) + "}"
        case list():
            text = "[" + ", ".join(shown(part) for part in value[:20]) + "]"
        case _:
            text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return _short(text)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"


def _decoded(element: bytes) -> Any:
    raw = (len(element) + 5).to_bytes(4, "little") + element + b"\0"
    return next(iter(bson.decode(raw, _OPTIONS).values()))


def _shown(element: bytes, start: int) -> str:  # noqa: ARG001 - as a fingerprint is made
    return shown(_decoded(element))


def _equal_numbers(expected: bytes, actual: bytes) -> bool:
    one, other = (_exact(_decoded(element)) for element in (expected, actual))
    return bool(one == other) or (one != one and other != other)  # noqa: PLR0124 - NaN


def _exact(number: Any) -> Any:
    if isinstance(number, Decimal128):
        return number.to_decimal()
    return Decimal(number)
