"""The canonical functions of plain values: texts, numbers, moments, bytes.

What belongs here: functions that look at one value alone. What does not: JSON, arrays, and which function a column has
(`values`). Reasons of refusals describe the shape of a value, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any
from uuid import UUID

from bson.binary import UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
DECIMAL_DIGITS = 34
"""Digits of a Decimal128."""
_DECIMAL_LEAST_EXPONENT, _DECIMAL_MOST_EXPONENT = -6176, 6111
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,5})?", re.ASCII)
_UUID = re.compile(r"[0-9a-fA-F]{8}(-?)[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{4}\1[0-9a-fA-F]{12}")
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)?", re.ASCII)


def text(value: Any) -> str:
    """Text as stored: never trimmed, never re-cased, never read as a number."""
    if type(value) is str:
        if not value.isascii():
            require_encodable(value)
        return value
    if isinstance(value, Undecodable):
        raise ValueRejectedError(RejectCode.NOT_UTF8, f"text of {len(value)} bytes is not UTF-8")
    raise ValueRejectedError(RejectCode.NOT_TEXT, f"expected text, found {shape_of(value)}")


def integer(value: Any) -> int:
    """A 64-bit integer. Text and fractions in an integer column are refused, also when they look whole."""
    if type(value) is not int:
        raise ValueRejectedError(RejectCode.NOT_INTEGER, f"expected an integer, found {shape_of(value)}")
    if not INT64_MIN <= value <= INT64_MAX:
        raise ValueRejectedError(RejectCode.NOT_INTEGER, "the integer does not fit into 64 bits")
    return value


def double(value: Any) -> float:
    """A binary double. Whole numbers become doubles when that is exact."""
    if type(value) is float:
        return value
    if type(value) is int and abs(value) <= 2**53:
        return float(value)
    raise ValueRejectedError(RejectCode.NOT_NUMBER, f"expected a number that a double holds, found {shape_of(value)}")


def decimal(value: Any) -> Decimal128:
    """A decimal number with its scale. What has more than 34 digits is refused, also when they are zeros.

    NaN and the infinities are themselves. SQLite has no decimals: its doubles become their shortest decimal text.
    """
    number = number_of(value)
    if not fits_decimal128(number):
        _, digits, exponent = number.as_tuple()
        raise ValueRejectedError(
            RejectCode.NOT_NUMBER, f"{len(digits)} digits with exponent {exponent} do not fit into 128 bits"
        )
    return Decimal128(number)


def number_of(value: Any) -> Decimal:
    """The decimal number that a value is or names, with all its digits."""
    if type(value) is float:
        return Decimal(repr(value))
    if type(value) is Decimal or type(value) is int or (type(value) is str and _NUMBER.fullmatch(value)):
        return Decimal(value)
    raise ValueRejectedError(RejectCode.NOT_NUMBER, f"expected a decimal number, found {shape_of(value)}")


def fits_decimal128(number: Decimal) -> bool:
    """Whether 128 bits hold a number with its scale."""
    _, digits, exponent = number.as_tuple()
    return not isinstance(exponent, int) or (
        len(digits) <= DECIMAL_DIGITS and _DECIMAL_LEAST_EXPONENT <= exponent <= _DECIMAL_MOST_EXPONENT
    )


def boolean(value: Any) -> bool:
    """True and false, or 0 and 1. Anything else is an error to report, never false."""
    if type(value) is bool:
        return value
    if type(value) is int and value in (0, 1):
        return value == 1
    raise ValueRejectedError(RejectCode.NOT_BOOLEAN, f"expected 0 or 1, found {shape_of(value)}")


def utc_datetime(value: Any) -> datetime:
    """A moment, or its text `YYYY-MM-DD HH:MM:SS[.ffffff]`; UTC unless it names an offset; with its microseconds."""
    if type(value) is datetime:
        zone = value.tzinfo
        if zone is None:
            return value.replace(tzinfo=UTC)
        return value if zone is UTC else _in_utc(value)
    return _in_utc(_moment(value))


def day(value: Any) -> datetime:
    """A date, or its text `YYYY-MM-DD`, as midnight in UTC."""
    if type(value) is date:
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    if type(value) is not str or _DAY.fullmatch(value) is None:
        raise ValueRejectedError(RejectCode.NOT_DATE, f"expected 'YYYY-MM-DD', found {shape_of(value)}")
    try:
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    except ValueError:
        raise ValueRejectedError(RejectCode.NOT_DATE, "the text has the form of a date but names none") from None


def uuid(value: Any) -> Binary:
    """A UUID, or its text of 32 hexadecimal digits with or without hyphens."""
    if type(value) is str and _UUID.fullmatch(value):
        value = UUID(value)
    if type(value) is not UUID:
        raise ValueRejectedError(RejectCode.NOT_UUID, f"expected a UUID, found {shape_of(value)}")
    return Binary(value.bytes, UUID_SUBTYPE)


def binary(value: Any) -> bytes:
    """Bytes as stored."""
    if type(value) is not bytes:
        raise ValueRejectedError(RejectCode.NOT_BINARY, f"expected bytes, found {shape_of(value)}")
    return value


def utc_datetime_from(zone: tzinfo) -> Callable[[Any], datetime]:
    """The canonical function of moments that are of this zone when they name none.

    Of an hour that comes twice it is the first. What the zone's clocks never showed, for an hour was left out, is none.
    """

    def local_datetime(value: Any) -> datetime:
        moment = value if type(value) is datetime else _moment(value)
        if moment.tzinfo is not None:
            return _in_utc(moment)
        found = _in_utc(moment.replace(tzinfo=zone))
        if found.astimezone(zone).replace(tzinfo=None) != moment:
            raise ValueRejectedError(RejectCode.NOT_DATE, f"the clocks of {zone} left this moment out")
        return found

    return local_datetime


def shape_of(value: Any) -> str:
    """What kind of value was found, without the value itself."""
    if isinstance(value, str):
        return f"text of {len(value)} characters"
    if isinstance(value, bytes):
        return f"{len(value)} bytes"
    names = {int: "an integer", float: "a number with fraction", type(None): "null"}
    return names.get(type(value), type(value).__name__)


def require_encodable(value: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueRejectedError(
            RejectCode.LONE_SURROGATE, f"a lone surrogate at character {error.start} has no UTF-8 form"
        ) from None


def _moment(value: Any) -> datetime:
    if type(value) is not str or _TIMESTAMP.fullmatch(value) is None:
        if isinstance(value, Undecodable):
            raise ValueRejectedError(RejectCode.NOT_DATE, "no moment of the years 1 to 9999 in UTC")
        raise ValueRejectedError(
            RejectCode.NOT_DATE, f"expected 'YYYY-MM-DD HH:MM:SS[.ffffff]', found {shape_of(value)}"
        )
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        raise ValueRejectedError(RejectCode.NOT_DATE, "the text has the form of a date but names none") from None


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueRejectedError(RejectCode.NOT_DATE, "no moment of the years 1 to 9999 in UTC") from None
