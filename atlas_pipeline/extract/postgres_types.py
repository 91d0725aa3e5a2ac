"""The policy of each PostgreSQL type: as which value types it may be read, and by which SQL expression.

A type that is not covered has no policy, and a column of it is refused before a row is read. What does not belong here:
asking the server for its types (`postgres_catalog`), and what a value becomes (`atlas_pipeline.mapping.values`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BigInteger, Float, Numeric, Text, Uuid, case, cast, func, literal, literal_column, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import NullType, TypeEngine, UserDefinedType

from atlas_pipeline.extract.statements import Expression
from atlas_pipeline.spec.columns import JSON_TYPES, ColumnSpec, ValueType

Type = TypeEngine[Any]


@dataclass(frozen=True, slots=True)
class Read:
    """How a column is selected: as it is, cast, or made by a function, which arrays of the type cannot use."""

    to: Type | None = None
    made: Callable[[Expression], Expression] | None = None

    def of(self, column: Expression) -> Expression:
        if self.made is not None:
            return self.made(column)
        return column if self.to is None else cast(column, self.to)


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What may be made of a type.

    Attributes:
        base: Its name in the server's catalog, domains resolved.
        reads: Value type -> how it is selected to become one; arrays by their items.
        scaffold: The value type to choose for a new spec.
        items: Of an array: value type of the items -> how the whole array is selected.
    """

    base: str
    reads: Mapping[ValueType, Read]
    scaffold: ValueType
    items: Mapping[ValueType, Read] = field(default_factory=dict)

    def read(self, column: ColumnSpec, source: Expression) -> Expression:
        """The expression that gives the column's values as the spec wants them; see `SourceColumn.reads_as`."""
        if column.items is not None:
            return self.items[column.items].of(source)
        if column.value is ValueType.DATETIME and self.base == "timestamp" and column.zone == "UTC":
            return func.timezone(literal_column("'UTC'"), source)  # the server does it faster than Python
        return self.reads.get(column.value, _AS_TEXT).of(source)

    def sort(self, column: ColumnSpec, source: Expression, *, converted: bool) -> Expression:
        """The expression that orders as the target orders the key: numbers by value, texts by their UTF-8 bytes.

        Args:
            column: A key column of the spec.
            source: The real column.
            converted: Whether the database's own encoding orders otherwise, so that its texts are converted first.
        """
        if self._sorts_as_it_is(column):
            return source
        text = source if self.base in ("text", "varchar") else cast(source, Text())
        return func.convert_to(text, literal_column("'UTF8'")) if converted else text.collate("C")

    def bound(self, column: ColumnSpec, value: Any, *, converted: bool) -> Expression:
        """The expression that `sort` is compared with, for a value of the column."""
        if self._sorts_as_it_is(column):
            return literal(value, NullType()) if self.base != "uuid" else cast(literal(value, NullType()), Uuid())
        text = cast(literal(value, Text()), Text())
        return func.convert_to(text, literal_column("'UTF8'")) if converted else text

    def _sorts_as_it_is(self, column: ColumnSpec) -> bool:
        return column.value is not ValueType.TEXT or self.base == "uuid"

    @property
    def all_reads(self) -> frozenset[ValueType]:
        return frozenset(self.reads) | ({ValueType.ARRAY} if self.items else frozenset())


class _Named(UserDefinedType[Any]):
    """A type by its name in the server's own schema."""

    cache_ok = True

    def __init__(self, name: str) -> None:
        self.name = name

    def get_col_spec(self, **_: Any) -> str:
        return f"pg_catalog.{self.name}"


def _jsonb_text(column: Expression) -> Expression:
    return cast(func.to_jsonb(column), Text())


def _point_text(column: Expression) -> Expression:
    pair = type_coerce(column, ARRAY(Float))
    x, y = pair[literal_column("0")], pair[literal_column("1")]
    made = func.json_build_object(literal_column("'x'"), x, literal_column("'y'"), y)
    return case((column.is_not(None), cast(made, Text())))


_AS_IS, _AS_TEXT = Read(), Read(Text())
_TEXTUAL = JSON_TYPES | {ValueType.TEXT, ValueType.TEXT_LIST, ValueType.UUID}
_WHOLE = frozenset({ValueType.INTEGER, ValueType.DOUBLE, ValueType.DECIMAL, ValueType.BOOLEAN})


Entry = tuple[ValueType, dict[ValueType, Read]]
"""What a new spec should choose, and how each value type is read."""


def _same(scaffold: ValueType, how: Read, others: frozenset[ValueType] = frozenset()) -> Entry:
    return scaffold, dict.fromkeys([scaffold, *sorted(others - {scaffold})], how)


def _hstore_text(column: Expression) -> Expression:
    return cast(cast(column, JSONB()), Text())


_TEXT_ONLY = _same(ValueType.TEXT, _AS_TEXT)
_BUILT_IN: dict[str, Entry] = {
    **dict.fromkeys(("int2", "int4", "int8"), _same(ValueType.INTEGER, _AS_IS, _WHOLE)),
    "oid": _same(ValueType.INTEGER, Read(BigInteger())),
    "numeric": _same(ValueType.DECIMAL, _AS_IS),
    "money": _same(ValueType.DECIMAL, Read(Numeric())),
    **dict.fromkeys(("float4", "float8"), _same(ValueType.DOUBLE, _AS_IS)),
    "bool": _same(ValueType.BOOLEAN, _AS_IS),
    **dict.fromkeys(("text", "varchar"), _same(ValueType.TEXT, _AS_IS, _TEXTUAL)),
    **dict.fromkeys(("bpchar", "name", "char"), _same(ValueType.TEXT, _AS_TEXT, _TEXTUAL)),  # padding is cut off
    "bytea": _same(ValueType.BINARY, _AS_IS),
    "date": _same(ValueType.DATE, _AS_IS),
    **dict.fromkeys(("timestamp", "timestamptz"), _same(ValueType.DATETIME, _AS_IS)),
    "uuid": (ValueType.TEXT, {ValueType.TEXT: _AS_TEXT, ValueType.UUID: _AS_IS}),
    **dict.fromkeys(("json", "jsonb"), _same(ValueType.JSON, _AS_TEXT, JSON_TYPES | {ValueType.TEXT_LIST})),
    "point": (ValueType.JSON_OBJECT, {ValueType.JSON_OBJECT: Read(made=_point_text), ValueType.TEXT: _AS_TEXT}),
    **dict.fromkeys(("time", "timetz", "interval", "xml", "tsvector", "tsquery", "pg_lsn", "jsonpath"), _TEXT_ONLY),
    **dict.fromkeys(("inet", "cidr", "macaddr", "macaddr8", "bit", "varbit"), _TEXT_ONLY),
    **dict.fromkeys(("line", "lseg", "box", "path", "polygon", "circle"), _TEXT_ONLY),
}
"""Types of the schema pg_catalog."""

_EXTENSIONS: dict[str, Entry] = {
    "citext": _same(ValueType.TEXT, _AS_TEXT, _TEXTUAL),
    "hstore": _same(ValueType.JSON_OBJECT, Read(made=_hstore_text), frozenset({ValueType.JSON})),
}
"""Types of extensions, in whatever schema they are."""

_KINDS: dict[str, Entry] = {
    **dict.fromkeys("erm", _TEXT_ONLY),  # enumerations, ranges, multiranges
    "c": _same(ValueType.JSON_OBJECT, Read(made=_jsonb_text), frozenset({ValueType.JSON})),
}
"""Types that are made by users, by the server's letter for their kind."""


def policy_of(name: str, *, kind: str, built_in: bool) -> Policy | None:
    """The policy of a type that is neither array nor domain, or None.

    Args:
        name: Name in pg_type.
        kind: Letter of its kind in pg_type.
        built_in: Whether it is of the schema pg_catalog.
    """
    known = _KINDS if kind in _KINDS else _BUILT_IN if built_in else _EXTENSIONS
    found = known.get(kind if known is _KINDS else name)
    if found is None:
        return None
    return Policy(base=name, scaffold=found[0], reads=found[1])


def policy_of_array(name: str, element: Policy, *, of_domain: bool) -> Policy:
    """The policy of arrays of a type. Those whose items are objects are read as JSON.

    Args:
        name: Name of the array type in pg_type.
        element: Policy of its items, domains resolved.
        of_domain: Whether the items are of a domain, which the driver does not know.
    """
    items: dict[ValueType, Read] = {}
    for value, read in element.reads.items():
        if read.made is None:
            to = read.to or (_Named(element.base) if of_domain else None)
            items[value] = Read(to and ARRAY(to))
    if items:
        return Policy(base=name, reads={}, scaffold=ValueType.ARRAY, items=items)
    as_json = dict.fromkeys((ValueType.JSON_ARRAY, ValueType.JSON), Read(made=_jsonb_text))
    return Policy(base=name, reads=as_json, scaffold=ValueType.JSON_ARRAY)
