"""What makes the shape of a document wrong, found when the table is written down.

What belongs here: checks that need a field and the columns it reads, and whether every column arrives. What does not:
checks of a column alone (`columns`), and of keys, indexes and storage (`tables`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import get_args

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.columns import JSON_TYPES, ColumnSpec, ValueType, json_fits
from atlas_pipeline.spec.document import FieldSpec, leaves_of
from atlas_pipeline.spec.expressions import (
    Constant,
    Duration,
    DurationUnit,
    Expression,
    FirstOf,
    FromColumn,
    Lookup,
    Member,
    Microseconds,
    Tail,
    Tenant,
    Translated,
    Unpacked,
)

MEMBER_TYPES = JSON_TYPES | {
    ValueType.TEXT,
    ValueType.INTEGER,
    ValueType.DOUBLE,
    ValueType.BOOLEAN,
    ValueType.DATETIME,
    ValueType.TEXT_LIST,
}
"""What a member of a JSON value can be."""


def check_field(field: FieldSpec, columns: Mapping[str, ColumnSpec], where: str) -> None:
    """Raise SpecError, in which `where` names table and field, if the field contradicts itself or its columns."""
    source = field.source
    if isinstance(source, Unpacked | FirstOf):
        choices = source.choices if isinstance(source, FirstOf) else (source,)
        if len({tuple(_names(choice)) for choice in choices}) != 1:
            raise SpecError(f"{where}: its choices do not make the same fields.", "give all the same, in order")
        for choice in choices:
            _check_unpacked(choice, columns, where)
    elif isinstance(source, Constant):
        if not json_fits(source.json, source.value):
            raise SpecError(f"{where}: constant {source.json!r} is no JSON of a {source.value}.", "use constant()")
    else:
        _check_simple(source, columns, where)
    if field.allowed and not isinstance(field.source, Tenant):
        kinds = {leaf.value for leaf in leaves_of(field, columns)}
        if kinds != {ValueType.TEXT}:
            raise SpecError(f"{where}: allowed words of a {', '.join(sorted(kinds))}.", "use allowed= on texts only")


def _check_simple(source: Expression, columns: Mapping[str, ColumnSpec], where: str) -> None:
    match source:
        case Duration(start, end, unit):
            if unit not in get_args(DurationUnit):
                raise SpecError(f"{where}: unit {unit!r}.", f"use one of: {', '.join(get_args(DurationUnit))}")
            for name in (start, end):
                _require(columns[name], {ValueType.DATETIME}, where)
                if columns[name].or_text:
                    raise SpecError(
                        f"{where} cannot be made of column {name}, whose moments may be texts.",
                        "use a column with another inexact=",
                    )
        case Microseconds(name):
            if columns[name].inexact != "microseconds":
                raise SpecError(
                    f"{where}: column {name} does not keep its microseconds.", 'give it inexact="microseconds"'
                )
        case Translated(name):
            _require(columns[name], {ValueType.TEXT}, where)
        case Lookup(name, table, key, value):
            _require(columns[name], {ValueType.TEXT, ValueType.INTEGER}, where)
            if not (table and key and value):
                raise SpecError(f"{where}: a lookup without table, key or value.", "name them: table.column, key=")


def lost_columns(
    document: Iterable[FieldSpec], key: Iterable[str], columns: Mapping[str, ColumnSpec]
) -> tuple[str, ...]:
    """Columns whose values no field holds whole. A duration or a translation is a view; the value itself is lost. A
    moment that keeps its microseconds needs a field for them too.
    """
    kept = set(key)
    finer = set()
    for field in document:
        source = field.source.choices[0] if isinstance(field.source, FirstOf) else field.source
        if _keeps(source):
            kept.add(source.column)  # type: ignore[union-attr]  # all that keep have one
        if isinstance(source, Microseconds):
            finer.add(source.column)
    lost = [name for name, column in columns.items() if name not in kept and not column.refused]
    cut = [name for name, column in columns.items() if column.inexact == "microseconds" and name not in finer]
    return (*lost, *(f"{name} (its microseconds)" for name in cut))


def _keeps(source: Expression) -> bool:
    return isinstance(source, FromColumn) or (isinstance(source, Unpacked) and (source.keeps_all or _covers(source)))


def _covers(unpacked: Unpacked) -> bool:
    """Whether members hold an array item by item, and the last of them all others. One that does not fit is refused."""
    paths = [path for member in unpacked.members for path in member.copied]
    tails = [path[0].start for path in paths if len(path) == 1 and isinstance(path[0], Tail)]
    return any(all((position,) in paths for position in range(start)) for start in tails)


def _check_unpacked(unpacked: Unpacked, columns: Mapping[str, ColumnSpec], where: str) -> None:
    column = columns[unpacked.column]
    moves = [member.moved for member in unpacked.members if member.moved]
    _require(column, {ValueType.JSON_OBJECT} if unpacked.rest or moves else JSON_TYPES, where)
    for what, names in (("member", list(_names(unpacked))), ("key", moves)):
        for name in names:
            if names.count(name) > 1:
                raise SpecError(f"{where}: {what} {name} is listed twice.", "name each once")
    if unpacked.absent_when_bare and unpacked.rest:
        raise SpecError(f"{where}: absent when bare, though it holds a rest.", "drop one of the two")
    for member in unpacked.members:
        _check_member(member, unpacked, column, where)


def _check_member(member: Member, unpacked: Unpacked, column: ColumnSpec, where: str) -> None:
    if not member.name or "." in member.name or member.name.startswith("$") or "\0" in member.name:
        raise SpecError(f"{where}: {member.name!r} is no field name.", "choose a plain name")
    where = f"{where}.{member.name}" if not where.endswith(member.name) else where
    if member.value not in MEMBER_TYPES:
        raise SpecError(f"{where}: no JSON value is {member.value}.", f"use {', '.join(sorted(MEMBER_TYPES))}")
    if not json_fits(member.default, member.value):
        raise SpecError(f"{where}: default {member.default!r} is no JSON of a {member.value}.", "correct default=")
    if member.moved and not unpacked.rest and not unpacked.keeps_all:
        raise SpecError(f"{where} moves, and the other keys have no place.", "name it with rest=")
    if () in member.copied and member.value not in (ValueType.JSON, column.value):
        raise SpecError(
            f"{where} is {member.value}, and {column.name} may be any {column.value}.", f"make it {column.value}"
        )


def _names(unpacked: Unpacked) -> Iterable[str]:
    yield from (member.name for member in unpacked.members)
    if unpacked.rest:
        yield unpacked.rest


def _require(column: ColumnSpec, types: Iterable[ValueType], where: str) -> None:
    if column.value not in types:
        raise SpecError(
            f"{where} cannot be made of column {column.name}, which is {column.value}.",
            f"use a column of {' or '.join(sorted(types))}",
        )
