"""The order in which MongoDB sorts `_id`s, of whatever types, so that two sorted streams can be walked side by side.

What does not belong here: whether a source sorts its keys the same way (`atlas_pipeline.mapping.keys`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import bson
from bson.code import Code
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.decimal128 import Decimal128
from bson.max_key import MaxKey
from bson.min_key import MinKey
from bson.objectid import ObjectId
from bson.regex import Regex
from bson.timestamp import Timestamp

from atlas_pipeline.load.encoded import first_element

SortKey = tuple[Any, ...]

ID_OPTIONS: bson.CodecOptions[dict[str, Any]] = bson.CodecOptions(
    tz_aware=True, datetime_conversion=bson.DatetimeConversion.DATETIME_AUTO
)
"""How `_id`s are decoded, those with moments that Python has not included."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_NULL, _NUMBER, _TEXT, _OBJECT, _ARRAY, _BYTES, _OBJECT_ID, _BOOLEAN, _DATE, _TIMESTAMP = range(1, 11)
_REGEX, _CODE, _SCOPED_CODE, _OTHER, _MOST = range(11, 16)
_LEAST = 0


def sort_key(value: Any) -> SortKey:
    """What compares with that of another value as the server compares both. Equal ones are one key for the server.

    Args:
        value: An `_id` as the driver decodes it, or as the mapping made it.
    """
    for kind, of in _SORT_KEYS:
        if isinstance(value, kind):
            return of(value)
    return _OTHER, type(value).__name__, repr(value)


def _of_number(value: float | Decimal128) -> SortKey:
    number: float | Decimal = value.to_decimal() if isinstance(value, Decimal128) else value
    nan = number.is_nan() if isinstance(number, Decimal) else math.isnan(number)
    return (_NUMBER, 0) if nan else (_NUMBER, 1, number)


def _of_object(value: Mapping[str, Any]) -> SortKey:
    parts = ((name.encode(), sort_key(part)) for name, part in value.items())
    return _OBJECT, *((part[0], name, part) for name, part in parts)


def _of_code(value: Code) -> SortKey:
    if value.scope is None:
        return _CODE, value.encode()
    return _SCOPED_CODE, value.encode(), _of_object(value.scope)


def _of_date(value: datetime) -> SortKey:
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return _DATE, (moment - _EPOCH) // _MILLISECOND


_SORT_KEYS: tuple[tuple[type | tuple[type, ...], Callable[[Any], SortKey]], ...] = (
    (Code, _of_code),
    (str, lambda value: (_TEXT, value.encode())),
    (bool, lambda value: (_BOOLEAN, value)),
    (int, lambda value: (_NUMBER, 1, value)),
    ((float, Decimal128), _of_number),
    (type(None), lambda _: (_NULL,)),
    (Mapping, _of_object),
    (bytes, lambda value: (_BYTES, len(value), getattr(value, "subtype", 0), bytes(value))),
    (ObjectId, lambda value: (_OBJECT_ID, value.binary)),
    (datetime, _of_date),
    (DatetimeMS, lambda value: (_DATE, int(value))),
    ((list, tuple), lambda value: (_ARRAY, *map(sort_key, value))),
    (Timestamp, lambda value: (_TIMESTAMP, value.time, value.inc)),
    (DBRef, lambda value: _of_object(value.as_doc())),
    (Regex, lambda value: (_REGEX, value.pattern.encode(), value.flags)),
    (MinKey, lambda _: (_LEAST,)),
    (MaxKey, lambda _: (_MOST,)),
)
"""The first that a value is an instance of counts: for Python a truth value is a number, and code is a text."""


def id_of(document: bytes) -> Any:
    """The `_id` of an encoded document, as the driver decodes it. The server keeps it as the first field."""
    element = first_element(document)
    return next(iter(bson.decode((len(element) + 5).to_bytes(4, "little") + element + b"\0", ID_OPTIONS).values()))
