"""Short forms for the fields of a document that is not a row.

What belongs here: functions that return one FieldSpec, expression or member. What does not: short forms of columns
(`shorthand`), and checks (`document`, `expressions`).
"""

from __future__ import annotations

import json
from typing import Any

from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.document import FieldSpec
from atlas_pipeline.spec.expressions import (
    Constant,
    Duration,
    DurationUnit,
    Expression,
    FromColumn,
    Lookup,
    Member,
    Microseconds,
    Path,
    Tenant,
    Translated,
    Unpacked,
)

_KINDS: dict[type, ValueType] = {
    str: ValueType.TEXT,
    bool: ValueType.BOOLEAN,
    int: ValueType.INTEGER,
    float: ValueType.DOUBLE,
    dict: ValueType.JSON_OBJECT,
    list: ValueType.JSON_ARRAY,
    type(None): ValueType.JSON,
}


def field(path: str, source: Expression | str = "", *, allowed: tuple[str, ...] = (), about: str = "") -> FieldSpec:
    """A field. The source is an expression or a column; unless given, the column of the path's own name."""
    expression = FromColumn(source or path) if isinstance(source, str) else source
    return FieldSpec(path=path, source=expression, allowed=allowed, about=about)


def constant(value: Any) -> Constant:
    """The same JSON value in every document."""
    return Constant(json.dumps(value), _KINDS[type(value)])


def tenant() -> Tenant:
    """The tenant, by the catalog's rule."""
    return Tenant()


def duration(start: str, end: str, *, unit: DurationUnit) -> Duration:
    """Time between two columns."""
    return Duration(start, end, unit)


def microseconds(column: str) -> Microseconds:
    """The microseconds of a moment that its date does not hold."""
    return Microseconds(column)


def translated(column: str, **words: str) -> Translated:
    """A text in the words of another enumeration; unknown ones stay."""
    return Translated(column, tuple(words.items()))


def lookup(column: str, target: str, *, key: str) -> Lookup:
    """A text of the row that `column` refers to; `target` is `table.column`."""
    table, _, value = target.rpartition(".")
    return Lookup(column, table, key, value)


def unpacked(column: str, *members: Member, rest: str = "", absent_when_bare: bool = False) -> Unpacked:
    """A sub-document made from a JSON column."""
    return Unpacked(column=column, members=members, rest=rest, absent_when_bare=absent_when_bare)


def moved(name: str, value: ValueType, *, key: str = "", **options: Any) -> Member:
    """A key of a JSON object that gets a field of its own; `key=` where it is named otherwise."""
    return Member(name=name, value=value, moved=key or name, **_json_default(options))


def copied(name: str, value: ValueType, *paths: Path, **options: Any) -> Member:
    """What is found first at one of these paths into a JSON value; it stays there too."""
    return Member(name=name, value=value, copied=paths, **_json_default(options))


def whole(name: str, value: ValueType) -> Member:
    """The JSON value itself."""
    return Member(name=name, value=value, copied=((),))


def fixed(name: str, value: Any) -> Member:
    """The same JSON value wherever the sub-document is."""
    return Member(name=name, value=_KINDS[type(value)], default=json.dumps(value))


def _json_default(options: dict[str, Any]) -> dict[str, Any]:
    """Options with the default as JSON text."""
    return {**options, "default": json.dumps(options["default"])} if "default" in options else options
