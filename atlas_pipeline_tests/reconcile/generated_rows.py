"""Random rows of every column type, each value with what it must become, made without the code that maps them.

What belongs here: the table, the values, and other values to put in their place. What does not: loading and comparing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

from bson import SON, Int64
from bson.binary import Binary
from bson.decimal128 import Decimal128
from hypothesis import strategies as st

from atlas_pipeline.spec.columns import ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.tables import TableSpec

NUMBERS = (int, float, Decimal128)


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


TEXT = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12)
INTEGER = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.integers(-9, 9), st.sampled_from([2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1])
)
DOUBLE = st.one_of(st.floats(allow_nan=False), st.sampled_from([0.0, 1.0, 5e-324, 1e22])).map(lambda one: one or 0.0)
"""Without -0.0, which SQLite does not keep in a column of numbers; it is inside of JSON."""
_KEY = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=5)
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
_MOMENT = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999))


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
    "names": Kind(ValueType.ARRAY, "", "TEXT[]", st.lists(st.none() | TEXT, max_size=3).map(same), items=ValueType.TEXT),
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
    """Rows without their key. One column in about ten is NULL."""
    null = Value(None, None)
    columns = {
        name: st.integers(0, 9).flatmap(lambda n, kind=kind: st.just(null) if n == 9 else kind.values)
        for name, kind in kinds_of(dialect).items()
    }
    return st.tuples(*columns.values()).map(lambda values: dict(zip(columns, values, strict=True)))


def document(key: int, row: Row) -> SON[str, Any]:
    """The document that a row must become."""
    fields: list[tuple[str, Any]] = [("_id", key)]
    for name, value in row.items():
        fields.append((name, value.becomes))
        if KINDS[name].inexact == "microseconds":
            fields.append((f"{name}_us", value.beside))
    return SON(fields)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one field, and what verify must find of it.

    Attributes:
        column: The column, or the field, that changes.
        sql: The other value at the source; None when the document changes.
        path: Where verify must find it.
        representation: Whether it is the same value in another form.
        apply: Changes the document; does nothing when the source changes.
    """

    column: str
    path: str
    sql: Value | None = None
    representation: bool = False
    apply: Callable[[SON[str, Any]], None] = lambda _: None


def changes(dialect: str, row: Row) -> st.SearchStrategy[Change]:
    """Changes of one field of this row, on either side."""
    return st.sampled_from(list(row)).flatmap(
        lambda name: st.one_of(_at_source(name, row[name]), st.sampled_from(list(_in_document(name, row[name].becomes))))
    )


def _at_source(name: str, value: Value) -> st.SearchStrategy[Change]:
    if value.becomes is None:
        other = KINDS[name].values.filter(lambda one: one.becomes is not None)
    elif isinstance(value.becomes, dict | list):
        return st.just(Change(column=name, path=name, sql=Value(None, None)))
    else:
        other = KINDS[name].values.filter(lambda one: not _equal(one.becomes, value.becomes))
    return other.map(lambda one: Change(column=name, path=name, sql=one))


def _in_document(name: str, value: Any) -> Iterator[Change]:
    """Another value, no value, null, the same number in another form, or something else inside of a container."""
    yield Change(column=name, path=name, apply=lambda document: document.__setitem__(name, Binary(b"other", 0x80)))
    yield Change(column=name, path=name, apply=lambda document: document.__delitem__(name))
    if value is not None:
        yield Change(column=name, path=name, apply=lambda document: document.__setitem__(name, None))
    for path, inside in _places(name, value):
        if (form := _other_form(inside)) is not None:
            yield Change(
                column=name, path=path, representation=True, apply=lambda document, path=path, form=form: _put(document, name, value, path, form)
            )
        yield Change(column=name, path=path, apply=lambda document, path=path: _put(document, name, value, path, Binary(b"x", 0x80)))


def _places(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """All scalars of a value with their dotted paths."""
    if isinstance(value, dict | list):
        for name, inside in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _places(f"{path}.{name}", inside)
    elif value is not None:
        yield path, value


def _other_form(value: Any) -> Any:
    """The same number as another BSON type or with another scale; None where there is none."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return Int64(value) if -(2**31) <= value < 2**31 else Decimal128(str(value))
    if isinstance(value, float):
        return Decimal128(Decimal(value)) if value == 0 or len(Decimal(value).as_tuple().digits) <= 34 else None
    if isinstance(value, Decimal128):
        number = value.to_decimal()
        return Decimal128(f"{number}0") if "." in str(number) and len(number.as_tuple().digits) < 34 else None
    return None


def _put(document: SON[str, Any], name: str, whole: Any, path: str, value: Any) -> None:
    """Put a value at the first place of that path."""
    done = False

    def copied(at: str, here: Any) -> Any:
        nonlocal done
        if isinstance(here, dict):
            return {key: copied(f"{at}.{key}", inside) for key, inside in here.items()}
        if isinstance(here, list):
            return [copied(f"{at}.{position}", inside) for position, inside in enumerate(here)]
        if at == path and not done:
            done = True
            return value
        return here

    document[name] = copied(name, whole)


def _equal(one: Any, other: Any) -> bool:
    """Whether two values are one value, in whatever form."""
    if isinstance(one, NUMBERS) and isinstance(other, NUMBERS) and not isinstance(one, bool):
        return _number(one) == _number(other)
    return type(one) is type(other) and bool(one == other)


def _number(value: Any) -> Decimal:
    return value.to_decimal() if isinstance(value, Decimal128) else Decimal(value)


def with_other(row: Row, change: Change) -> Row:
    """The row after a change at the source."""
    return row if change.sql is None else {**row, change.column: change.sql}


