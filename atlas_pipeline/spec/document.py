"""The shape of a document: its fields by path, where each comes from, and what may be in it.

What belongs here: FieldSpec, and the leaves that checks, pages and contracts are derived from. What does not: the ways
to get a value (`expressions`) and whole tables (`tables`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.columns import ColumnSpec, ValueType, bson_types
from atlas_pipeline.spec.expressions import (
    Constant,
    Duration,
    Expression,
    FirstOf,
    FromColumn,
    Lookup,
    Member,
    Microseconds,
    Tenant,
    Translated,
    Unpacked,
    columns_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSpec:
    """One field of a document, or one sub-document that is made as a whole.

    Attributes:
        path: Where it goes, such as `window.start`. Fields with the same beginning share a sub-document.
        source: Where its value comes from.
        allowed: The closed set of legal texts, or empty. Others are loaded and warned of.
        about: What a reader must know of it.
    """

    path: str
    source: Expression
    allowed: tuple[str, ...] = ()
    about: str = ""

    def check(self, where: str) -> None:
        """Raise SpecError, in which `where` names the table, if the field contradicts itself."""
        where = f"{where}: field {self.path or '?'}"
        for part in self.path.split("."):
            if not part or part.startswith("$") or "\0" in part:
                raise SpecError(f"{where}: {part!r} is no field name.", "choose plain names, joined by dots")
        if self.path.split(".")[0] == "_id":
            raise SpecError(f"{where} is made from key=.", "rename the field")


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One place in a document that holds a value, with all that is known of it.

    Attributes:
        path: Where, joined by dots.
        value: What it holds.
        items: What its items are, of an ARRAY.
        or_text: Whether a text may be there in place of the value.
        nullable: Whether null is legal there; also when a sub-document around it may be null.
        columns: The source columns that it is made from.
        declared: Their declared types, for people.
        origin: How it is made, in a few words, for people.
        secret: Whether it must not be shown.
        allowed: The closed set of legal texts, or empty.
        minimum: Smallest believable number, or None.
        maximum: Largest believable number, or None.
        max_length: Characters that the source promises, or None.
        about: What a reader must know of it.
    """

    path: str
    value: ValueType
    items: ValueType | None = None
    or_text: bool = False
    nullable: bool = False
    columns: tuple[str, ...] = ()
    declared: str = ""
    origin: str = ""
    secret: bool = False
    allowed: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None
    about: str = ""

    @property
    def bson_types(self) -> tuple[str, ...]:
        """Names of all BSON types that may be there, `null` included where it is legal."""
        return bson_types(self.value, or_text=self.or_text, nullable=self.nullable)


def flat_document(columns: tuple[ColumnSpec, ...]) -> tuple[FieldSpec, ...]:
    """The document of a table without a shape of its own: one field per column, and one beside each moment that keeps
    its microseconds.
    """
    return tuple(field for column in columns for field in _flat_fields(column))


def _flat_fields(column: ColumnSpec) -> Iterator[FieldSpec]:
    yield FieldSpec(path=column.field, source=FromColumn(column.name), about=column.about)
    if column.inexact == "microseconds":
        about = f"Microseconds of {column.field} that a date does not hold."
        yield FieldSpec(path=f"{column.field}_us", source=Microseconds(column.name), about=about)


def leaves_of(field: FieldSpec, columns: Mapping[str, ColumnSpec]) -> Iterator[Leaf]:
    """The leaves of one field."""
    read = [columns[name] for name in columns_of(field.source)]
    for leaf in _leaves(field, field.source, columns):
        yield replace(
            leaf,
            columns=tuple(column.name for column in read),
            declared=", ".join(column.sql_type for column in read),
            secret=any(column.secret for column in read),
            about=leaf.about or field.about,
            allowed=leaf.allowed or field.allowed,
        )


def _leaves(field: FieldSpec, source: Expression, columns: Mapping[str, ColumnSpec]) -> Iterator[Leaf]:
    path = field.path
    match source:
        case FromColumn(name):
            column = columns[name]
            yield Leaf(
                path=path,
                value=column.value,
                items=column.items,
                or_text=column.or_text,
                nullable=column.stores_null,
                origin=name,
                allowed=column.allowed,
                minimum=column.minimum,
                maximum=column.maximum,
                max_length=column.max_length,
                about=column.about,
            )
        case Constant(json, value):
            yield Leaf(path=path, value=value, nullable=json == "null", origin=f"constant {json}")
        case Duration(start, end, unit):
            value = ValueType.INTEGER if unit == "milliseconds" else ValueType.DOUBLE
            yield Leaf(path=path, value=value, nullable=True, minimum=0, origin=f"{unit} from {start} to {end}")
        case Microseconds(name):
            nullable, origin = columns[name].stores_null, f"{name}, microseconds"
            yield Leaf(path=path, value=ValueType.INTEGER, nullable=nullable, origin=origin, minimum=0, maximum=999)
        case Translated(name):
            nullable = columns[name].stores_null
            yield Leaf(path=path, value=ValueType.TEXT, nullable=nullable, origin=f"{name}, translated")
        case Lookup(name, table, key, other):
            yield Leaf(path=path, value=ValueType.TEXT, nullable=True, origin=f"{table}.{other} where {key} = {name}")
        case Unpacked():
            yield from _unpacked_leaves(path, source, columns)
        case FirstOf(choices):
            told = {leaf.path: leaf for choice in choices for leaf in _unpacked_leaves(path, choice, columns)}
            yield from (replace(leaf, nullable=True) for leaf in told.values())
        case Tenant():
            raise SpecError(f"Field {path}: the catalog has no rule for tenants.", "give the catalog tenant=")


def may_be_absent(field: FieldSpec, columns: Mapping[str, ColumnSpec]) -> bool:
    """Whether a sub-document that is made as a whole may be null."""
    choices = field.source.choices if isinstance(field.source, FirstOf) else (field.source,)
    return len(choices) > 1 or any(
        isinstance(choice, Unpacked) and (choice.absent_when_bare or columns[choice.column].stores_null)
        for choice in choices
    )


def _unpacked_leaves(path: str, unpacked: Unpacked, columns: Mapping[str, ColumnSpec]) -> Iterator[Leaf]:
    absent = columns[unpacked.column].stores_null or unpacked.absent_when_bare
    for member in unpacked.members:
        yield Leaf(
            path=f"{path}.{member.name}",
            value=member.value,
            nullable=member.nullable or absent,
            origin=_origin(unpacked.column, member),
            allowed=member.allowed,
            minimum=member.minimum,
            maximum=member.maximum,
        )
    if unpacked.rest:
        yield Leaf(
            path=f"{path}.{unpacked.rest}",
            value=ValueType.JSON_OBJECT,
            nullable=absent,
            origin=f"the other keys of {unpacked.column}",
        )


def _origin(column: str, member: Member) -> str:
    if member.moved:
        return f"{column}: {member.moved}"
    if not member.copied:
        return f"constant {member.default}"
    return " or ".join(f"{column}: {'.'.join(map(str, path)) or 'the whole value'}" for path in member.copied)
