"""The SQL that is sent to a source, built from the table spec by SQLAlchemy so that every name is quoted by its
dialect.

What does not belong here: running it, and anything that only one dialect understands. How a dialect reads and sorts a
column is told by its `Reading`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, MetaData, Select, Table, and_, func, or_, select

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
    """

    table: TableSpec
    source: Table
    reads: Mapping[str, Expression]
    sorts: Mapping[str, Expression]

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


def ordered_rows(reading: Reading, order: Sequence[str] = ()) -> Select[Any]:
    """All columns in spec order, by the columns of `order` and then by key."""
    first = [reading.source.c[name] for name in order]
    return select(*reading.reads.values()).select_from(reading.source).order_by(*first, *reading.key_sorts)


def ordered_keys(reading: Reading) -> Select[Any]:
    return select(*reading.key_reads).order_by(*reading.key_sorts)


def rows_by_key(reading: Reading, keys: Sequence[Sequence[Any]]) -> Select[Any]:
    key = reading.key
    statement = select(*reading.reads.values()).order_by(*reading.key_sorts)
    if len(key) == 1:
        return statement.where(key[0].in_([values[0] for values in keys]))
    return statement.where(or_(*(and_(*(k == v for k, v in zip(key, values, strict=True))) for values in keys)))


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
