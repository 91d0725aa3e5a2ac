"""Random rows of every column type, each value with what it must become, made without the code that maps them.

What belongs here: the table and its values. What does not: changing them (`generated_changes.py`), loading, comparing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from bson import SON
from bson.binary import Binary
from bson.decimal128 import Decimal128
from hypothesis import strategies as st

from atlas_pipeline.spec.columns import ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True)
class Value:
    """A value of a column.

    Attributes:
        sql: As the source's driver takes it.
        becomes: What the document holds; None for NULL.
        beside: What stands in the field `<name>_us`, where there is one.
    """

    sql: Any
    becomes: Any
    beside: int | None = None


@dataclass(frozen=True, slots=True)
class Kind:
    """A column and the values that it may have.

    Attributes:
        value: What its values become.
        sqlite: Declared type there; "" where the dialect has none.
        postgresql: Declared type there.
        values: Its values; those of one dialect may be given apart.
    """

    value: ValueType
    sqlite: str
    postgresql: str
    values: st.SearchStrategy[Value]
    inexact: Inexact = "refuse"
    items: ValueType | None = None


def same(value: Any) -> Value:
    return Value(value, value)


_CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
"""All that UTF-8 can encode."""
TEXT = st.text(_CHARACTERS, max_size=12)
INTEGER = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-9, 9), st.sampled_from([2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1])
)
DOUBLE = st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, 1.0, 5e-324, 1e22])).map(lambda one: one or 0.0)
"""Without -0.0, which SQLite does not keep in a column of numbers; it is inside of JSON."""
_KEY = st.text(_CHARACTERS, min_size=1, max_size=5)
_SCALAR = st.one_of(st.none(), st.booleans(), INTEGER, st.floats(allow_nan=False, allow_infinity=False), TEXT)
_JSON = st.recursive(
    _SCALAR,
    lambda inside: st.one_of(st.lists(inside, max_size=3), st.dictionaries(_KEY, inside, max_size=3)),
    max_leaves=6,
)


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(one) for one in value] if isinstance(value, list) else value


def _json(value: Any) -> Value:
    return Value(json.dumps(value, ensure_ascii=False), _sorted(value))


def _decimal(number: Decimal) -> Value:
    text = format(number, "f")  # without exponent, for PostgreSQL knows no negative scale
    return Value(text, Decimal128(text))


_DIGITS = st.decimals(min_value=Decimal("-1e30"), max_value=Decimal("1e30"), places=4).map(Decimal.normalize)
_MONEY = st.integers(-(10**12), 10**12).map(lambda cents: Decimal(cents).scaleb(-2))


def _rounded(number: Decimal) -> Value:
    kept = Context(prec=34).create_decimal(number)
    return Value(format(number, "f"), Decimal128(kept))


def _long(number: Decimal) -> Value:
    text = format(number, "f")
    return Value(text, Decimal128(number) if len(number.as_tuple().digits) <= 34 else text)


_LONG = st.integers(-(10**40), 10**40).map(lambda digits: Decimal(digits).scaleb(-5, Context(prec=60)))
_MOMENT = st.datetimes()


def _moment(moment: datetime) -> Value:
    rest = moment.microsecond % 1000
    kept = (moment - timedelta(microseconds=rest)).replace(tzinfo=UTC)
    return Value(f"{moment.isoformat(' ', 'microseconds')}", kept, rest)


def _whole_moment(moment: datetime) -> Value:
    return _moment(moment - timedelta(microseconds=moment.microsecond % 1000))


def _day(day: date) -> Value:
    return Value(day.isoformat(), datetime(day.year, day.month, day.day, tzinfo=UTC))


def _spelled(identifier: UUID) -> st.SearchStrategy[Value]:
    spellings = [str(identifier), str(identifier).upper(), identifier.hex]
    return st.sampled_from(spellings).map(lambda text: Value(text, Binary(identifier.bytes, 4)))


def _texts(words: list[str]) -> Value:
    return Value(json.dumps(words), words)


_COMMAS = st.lists(st.text("abcäöü €", min_size=1, max_size=4).map(str.strip), max_size=3)

KINDS: dict[str, Kind] = {
    "text": Kind(ValueType.TEXT, "TEXT", "TEXT", TEXT.map(same)),
    "whole": Kind(ValueType.INTEGER, "INTEGER", "BIGINT", INTEGER.map(same)),
    "share": Kind(ValueType.DOUBLE, "FLOAT", "DOUBLE PRECISION", DOUBLE.map(same)),
    "money": Kind(ValueType.DECIMAL, "TEXT", "NUMERIC", st.one_of(_MONEY, _DIGITS).map(_decimal)),
    "rounded": Kind(ValueType.DECIMAL, "TEXT", "NUMERIC", _LONG.map(_rounded), "round"),
    "long": Kind(ValueType.DECIMAL, "TEXT", "NUMERIC", _LONG.map(_long), "text"),
    "flag": Kind(ValueType.BOOLEAN, "BOOLEAN", "BOOLEAN", st.booleans().map(same)),
    "cut": Kind(ValueType.DATETIME, "DATETIME", "TIMESTAMP", _MOMENT.map(_moment), "milliseconds"),
    "exact": Kind(ValueType.DATETIME, "DATETIME", "TIMESTAMP", _MOMENT.map(_whole_moment)),
    "fine": Kind(ValueType.DATETIME, "DATETIME", "TIMESTAMP", _MOMENT.map(_moment), "microseconds"),
    "day": Kind(ValueType.DATE, "DATE", "DATE", st.dates().map(_day)),
    "token": Kind(ValueType.UUID, "VARCHAR(36)", "UUID", st.uuids().flatmap(_spelled)),
    "bytes": Kind(ValueType.BINARY, "BLOB", "BYTEA", st.binary(max_size=12).map(same)),
    "words": Kind(ValueType.TEXT_LIST, "TEXT", "TEXT", st.lists(TEXT, max_size=3).map(_texts)),
    "commas": Kind(
        ValueType.TEXT_LIST, "TEXT", "TEXT", _COMMAS.map(lambda w: Value(" , ".join(w), [one for one in w if one]))
    ),
    "object": Kind(ValueType.JSON_OBJECT, "TEXT", "JSON", st.dictionaries(_KEY, _JSON, max_size=3).map(_json)),
    "list": Kind(ValueType.JSON_ARRAY, "TEXT", "JSON", st.lists(_JSON, max_size=3).map(_json)),
    "any": Kind(ValueType.JSON, "TEXT", "JSON", _JSON.map(_json)),
    "numbers": Kind(
        ValueType.ARRAY,
        "",
        "BIGINT[]",
        st.lists(st.none() | INTEGER, max_size=3).map(same),
        items=ValueType.INTEGER,
    ),
    "names": Kind(
        ValueType.ARRAY, "", "TEXT[]", st.lists(st.none() | TEXT, max_size=3).map(same), items=ValueType.TEXT
    ),
}  # fmt: skip
Row = dict[str, Value]


def kinds_of(dialect: str) -> dict[str, Kind]:
    return {name: kind for name, kind in KINDS.items() if dialect == "postgresql" or kind.sqlite}


def table(dialect: str) -> TableSpec:
    """A table of all columns that the dialect has."""
    columns = [
        ColumnSpec(
            name=name,
            sql_type=kind.sqlite if dialect == "sqlite" else kind.postgresql,
            value=kind.value,
            items=kind.items,
            inexact=kind.inexact,
            nullable=True,
        )
        for name, kind in kinds_of(dialect).items()
    ]
    key = ColumnSpec(name="id", sql_type="INTEGER" if dialect == "sqlite" else "BIGINT", value=ValueType.INTEGER)
    return TableSpec(source="generated", collection="generated", key=("id",), columns=(key, *columns))


def rows(dialect: str) -> st.SearchStrategy[Row]:
    """Rows without their key. One value in about ten is NULL."""
    columns = {name: _or_null(kind.values) for name, kind in kinds_of(dialect).items()}
    return st.tuples(*columns.values()).map(lambda values: dict(zip(columns, values, strict=True)))


def _or_null(values: st.SearchStrategy[Value]) -> st.SearchStrategy[Value]:
    return st.integers(0, 9).flatmap(lambda n: st.just(Value(None, None)) if n == 9 else values)


def document(key: int, row: Row) -> SON[str, Any]:
    """The document that a row must become."""
    fields: list[tuple[str, Any]] = [("_id", key)]
    for name, value in row.items():
        fields.append((name, value.becomes))
        if KINDS[name].inexact == "microseconds":
            fields.append((f"{name}_us", value.beside))
    return SON(fields)
