"""BSON types of values as the driver decodes them, and stand-ins for values that must not be shown or copied.

What belongs here: naming a value's BSON type, and the text that takes a value's place in a frame. What does not: the
expectation that uses the names (`bson_expectations`), and which fields are replaced (`frames`).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self

from bson import Binary, Decimal128, Int64, ObjectId, Regex, Timestamp

MISSING = "missing"
"""Type name of a field that a document does not have; `$type` has no name for it."""

_INT32 = range(-(2**31), 2**31)

_NAMES: dict[type, str] = {
    type(None): "null",
    bool: "bool",
    Int64: "long",
    float: "double",
    str: "string",
    datetime: "date",
    dict: "object",
    list: "array",
    bytes: "binData",
    Binary: "binData",
    ObjectId: "objectId",
    Decimal128: "decimal",
    Regex: "regex",
    Timestamp: "timestamp",
}


class StandIn(str):
    """Text that takes the place of a value and remembers the BSON type that the value has.

    It is what results and pages show instead: a mask for a secret, a size for a sub-document, a note for a missing
    field.

    Attributes:
        bson_type: Type of the value that is not shown.
    """

    __slots__ = ("bson_type",)

    bson_type: str

    def __new__(cls, text: str, *, bson_type: str) -> Self:
        """The text to show and the type to report."""
        stand_in = super().__new__(cls, text)
        stand_in.bson_type = bson_type
        return stand_in

    def __reduce__(self) -> tuple[Any, ...]:
        """Keeps the type when a frame is pickled, which Great Expectations does to fingerprint it."""
        return _restore, (str(self), self.bson_type)


def _restore(text: str, bson_type: str) -> StandIn:
    return StandIn(text, bson_type=bson_type)


def bson_type_name(value: Any) -> str:
    """Name of the value's BSON type as `$type` spells it, or its Python class for one that no collection can hold."""
    if isinstance(value, StandIn):
        return value.bson_type
    kind = type(value)
    if kind is int:
        return "int" if value in _INT32 else "long"
    return _NAMES.get(kind, kind.__name__)
