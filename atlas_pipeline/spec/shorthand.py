"""Short forms for the columns and indexes of a catalog, so that a table reads like its own schema.

What belongs here: functions that return one ColumnSpec or IndexSpec with the declared type that goes with the value.
What does not: facts about any table, and checks (`atlas_pipeline.spec.columns`, `atlas_pipeline.spec.indexes`).

Each function takes the column name first. Further options are those of ColumnSpec; `sql_type=` overrides the declared
type where the source spells it differently.
"""

from __future__ import annotations

from typing import TypedDict, Unpack

from atlas_pipeline.spec.columns import ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.indexes import ASCENDING, DESCENDING, IndexSpec


class Options(TypedDict, total=False):
    """Options that every column may have; see ColumnSpec."""

    nullable: bool
    optional: bool
    default: str
    field: str
    secret: bool
    about: str


class TextOptions(Options, total=False):
    """Options of text columns."""

    allowed: tuple[str, ...]
    restored_from: tuple[str, str]


class NumberOptions(Options, total=False):
    """Options of number columns."""

    minimum: float
    maximum: float


class InexactOptions(Options, total=False):
    """Options of columns whose values BSON cannot always hold exactly."""

    inexact: Inexact


class JsonOptions(InexactOptions, total=False):
    """Options of JSON columns."""

    empty_is_null: bool
    dates: tuple[str, ...]


def text(name: str, length: int | None = None, *, sql_type: str = "", **options: Unpack[TextOptions]) -> ColumnSpec:
    """A text, declared VARCHAR(length), or TEXT without a length."""
    declared = "TEXT" if length is None else f"VARCHAR({length})"
    return ColumnSpec(name=name, sql_type=sql_type or declared, value=ValueType.TEXT, **options)


def integer(name: str, *, sql_type: str = "INTEGER", **options: Unpack[NumberOptions]) -> ColumnSpec:
    """A whole number."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.INTEGER, **options)


def double(name: str, *, sql_type: str = "FLOAT", **options: Unpack[NumberOptions]) -> ColumnSpec:
    """A floating-point number."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.DOUBLE, **options)


def boolean(name: str, *, sql_type: str = "BOOLEAN", **options: Unpack[Options]) -> ColumnSpec:
    """A truth value, stored as 0 or 1."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.BOOLEAN, **options)


def decimal(name: str, *, sql_type: str = "NUMERIC", **options: Unpack[InexactOptions]) -> ColumnSpec:
    """A decimal number with its scale."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.DECIMAL, **options)


def utc(name: str, *, sql_type: str = "DATETIME", **options: Unpack[InexactOptions]) -> ColumnSpec:
    """A point in time, in UTC by convention. Unless `inexact=` says otherwise, with whole milliseconds only."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.DATETIME, **options)


def json_object(name: str, *, sql_type: str = "JSON", **options: Unpack[JsonOptions]) -> ColumnSpec:
    """A JSON object with free keys."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.JSON_OBJECT, **options)


def json_array(name: str, *, sql_type: str = "JSON", **options: Unpack[JsonOptions]) -> ColumnSpec:
    """A JSON array."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.JSON_ARRAY, **options)


def json_value(name: str, *, sql_type: str = "JSON", **options: Unpack[JsonOptions]) -> ColumnSpec:
    """Any JSON value."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.JSON, **options)


def text_list(name: str, *, sql_type: str = "TEXT", **options: Unpack[Options]) -> ColumnSpec:
    """Texts in one text: a JSON array, or a list with commas."""
    return ColumnSpec(name=name, sql_type=sql_type, value=ValueType.TEXT_LIST, **options)


def index(name: str, *keys: str, sparse: bool = False) -> IndexSpec:
    """An index on fields in order; a field with a leading minus is descending."""
    return IndexSpec(name=name, keys=_directed(keys), sparse=sparse)


def unique(name: str, *keys: str) -> IndexSpec:
    """An index that refuses a second document with the same values."""
    return IndexSpec(name=name, keys=_directed(keys), unique=True)


def by_keys(*keys: str, unique: bool = False) -> IndexSpec:
    """An index under the name that the server itself gives: `user_id_1_created_at_-1`."""
    directed = _directed(keys)
    return IndexSpec(name="_".join(f"{field}_{way}" for field, way in directed), keys=directed, unique=unique)


def _directed(keys: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    return tuple((key[1:], DESCENDING) if key.startswith("-") else (key, ASCENDING) for key in keys)
