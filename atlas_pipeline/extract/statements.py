"""The SQL that is sent to a source, built from the table spec by SQLAlchemy so that every name is quoted by its
dialect.

What does not belong here: running it, and anything that only one dialect understands. How a dialect reads and sorts a
column is told by its `Reading`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.types import NullType

from atlas_pipeline.extract.snapshot import WHOLE_TABLE, Stretch
from atlas_pipeline.spec.tables import Reference, TableSpec

Expression = ColumnElement[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """How one real table is read as its spec wants it.

    Attributes:
        table: The spec.
        source: The real table.
        reads: Column name -> the expression that is selected, in the spec's order.
        sorts: Key column name -> the expression that orders as the target orders the key.
        bound: Key column name and a value -> the expression that `sorts` is compared with.
    """

    table: TableSpec
    source: Table
    reads: Mapping[str, Expression]
    sorts: Mapping[str, Expression]
    bound: Callable[[str, Any], Expression] = field(default=lambda _, value: literal(value))

    @property
    def key(self) -> list[Expression]:
        """The key columns themselves, which an index may know."""
        return [self.source.c[name] for name in self.table.key]

    @property
    def key_reads(self) -> list[Expression]:
        return [self.reads[name] for name in self.table.key]

    @property
    def key_sorts(self) -> list[Expression]:
        return [self.sorts[name] for name in self.table.key]


def source_table(name: str, columns: Sequence[str], schema: str | None = None) -> Table:
    return Table(name, MetaData(), *(Column(column) for column in dict.fromkeys(columns)), schema=schema)


def row_count(reading: Reading) -> Select[Any]:
    return select(func.count()).select_from(reading.source)


def ordered_rows(reading: Reading, order: Sequence[str] = (), stretch: Stretch = WHOLE_TABLE) -> Select[Any]:
    """All columns in spec order, by the columns of `order` and then by key."""
    first = [reading.source.c[name] for name in order]
    rows = select(*reading.reads.values()).select_from(reading.source).order_by(*first, *reading.key_sorts)
    if stretch.first is not None:
        rows = rows.where(_key_of(reading) >= _bound_of(reading, stretch.first))
    if stretch.before is not None:
        below = _key_of(reading) < _bound_of(reading, stretch.before)
        keyless = [column.is_(None) for column in reading.key]
        rows = rows.where(or_(below, *keyless) if stretch.first is None else below)
    return rows


def _key_of(reading: Reading) -> Expression:
    sorts = reading.key_sorts
    return sorts[0] if len(sorts) == 1 else tuple_(*sorts)


def _bound_of(reading: Reading, key: Sequence[Any]) -> Expression:
    bounds = [reading.bound(name, value) for name, value in zip(reading.table.key, key, strict=True)]
    return bounds[0] if len(bounds) == 1 else tuple_(*bounds)


def ordered_keys(reading: Reading) -> Select[Any]:
    return select(*reading.key_reads).order_by(*reading.key_sorts)


def keys_apart(reading: Reading, rows: int) -> Select[Any]:
    """The key behind so many rows, that behind twice as many, and so on, in key order."""
    place = func.row_number().over(order_by=reading.key_sorts).label("place")
    names = [f"key_{number}" for number in range(len(reading.key))]
    keys = [column.label(name) for name, column in zip(names, reading.key_reads, strict=True)]
    placed = select(*keys, place).select_from(reading.source).subquery()
    wanted = and_(placed.c.place > 1, (placed.c.place - 1) % rows == 0)
    return select(*(placed.c[name] for name in names)).where(wanted).order_by(placed.c.place)


def rows_by_key(reading: Reading, keys: Sequence[Sequence[Any]], *, as_text: bool = False) -> Select[Any]:
    """The rows with these keys. As texts, no index helps, and any text may be asked for."""
    key = [cast(column, Text()) for column in reading.key] if as_text else reading.key
    statement = select(*reading.reads.values()).order_by(*reading.key_sorts)
    if len(key) == 1:
        return statement.where(key[0].in_([values[0] for values in keys]))
    return statement.where(or_(*(and_(*(k == v for k, v in zip(key, values, strict=True))) for values in keys)))


def keys_in(reading: Reading, column: str, inside: Sequence[Expression]) -> list[Select[Any]]:
    """Key and moment of the rows of a window; as for `in_window`."""
    return in_window(select(*reading.key_reads, reading.reads[column]).select_from(reading.source), inside)


def in_window(rows: Select[Any], inside: Sequence[Expression]) -> list[Select[Any]]:
    """Those of some ordered rows that fulfil a condition each, in parts. As one, a server that orders by the index of
    the moments would read all of it.
    """
    return [rows.where(one) for one in inside]


def between(moment: Expression, since: Any, until: Any) -> Expression:
    """The condition that a moment is in a window, whose bounds are values as the column holds them, or None."""
    bounds = [] if since is None else [moment >= literal(since, NullType())]
    bounds += [] if until is None else [moment < literal(until, NullType())]
    return and_(moment.is_not(None), *bounds)


def duplicate_keys(reading: Reading) -> Select[Any]:
    """How many rows share their key with another row."""
    groups = (
        select(func.count().label("rows"))
        .select_from(reading.source)
        .group_by(*reading.key)
        .having(func.count() > 1)
        .subquery()
    )
    return select(func.coalesce(func.sum(groups.c.rows), 0))


def repeated_keys(reading: Reading) -> Select[Any]:
    """The keys that more than one row has, in key order."""
    return select(*reading.key_reads).group_by(*reading.key).having(func.count() > 1).order_by(*reading.key_sorts)


def pairs(source: Table, key: Expression, value: Expression) -> Select[Any]:
    """Both expressions of each row that has a key, each pair once."""
    return select(key, value).select_from(source).where(key.is_not(None)).distinct()


def orphan_count(reading: Reading, condition: Expression) -> Select[Any]:
    return select(func.count()).select_from(reading.source).where(condition)


def orphan_examples(reading: Reading, reference: Reference, condition: Expression, limit: int) -> Select[Any]:
    """Key and referring value of the first orphans in key order."""
    columns = [*reading.key_reads, reading.reads[reference.column]]
    return select(*columns).where(condition).order_by(*reading.key_sorts).limit(limit)
