"""The SQL that is sent to a source, built from the table spec by SQLAlchemy so that every name is quoted by its
dialect.

What does not belong here: running it, and anything that only one dialect understands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, ColumnElement, MetaData, Select, Table, and_, func, or_, select
from sqlalchemy.sql.elements import ColumnClause

from atlas_pipeline.spec.tables import Reference, TableSpec


def source_table(name: str, columns: Sequence[str]) -> Table:
    return Table(name, MetaData(), *(Column(column) for column in columns))


def _table(table: TableSpec) -> Table:
    return source_table(table.source, table.column_names)


def _key(table: TableSpec, source: Table) -> list[ColumnClause[Any]]:
    return [source.c[name] for name in table.key]


def row_count(table: TableSpec) -> Select[Any]:
    return select(func.count()).select_from(_table(table))


def ordered_rows(table: TableSpec, collation: str) -> Select[Any]:
    """All columns in spec order, in key order. The collation replaces one that a key column may declare."""
    source = _table(table)
    order = [column.collate(collation) for column in _key(table, source)]
    return select(*(source.c[name] for name in table.column_names)).order_by(*order)


def ordered_keys(table: TableSpec, collation: str) -> Select[Any]:
    source = _table(table)
    key = _key(table, source)
    return select(*key).order_by(*(column.collate(collation) for column in key))


def rows_by_key(table: TableSpec, keys: Sequence[Sequence[Any]]) -> Select[Any]:
    source = _table(table)
    key = _key(table, source)
    statement = select(*(source.c[name] for name in table.column_names)).order_by(*key)
    if len(key) == 1:
        return statement.where(key[0].in_([values[0] for values in keys]))
    return statement.where(or_(*(and_(*(k == v for k, v in zip(key, values, strict=True))) for values in keys)))


def duplicate_keys(table: TableSpec) -> Select[Any]:
    """How many rows share their key with another row."""
    source = _table(table)
    groups = (
        select(func.count().label("rows")).select_from(source).group_by(*_key(table, source)).having(func.count() > 1)
    )
    return select(func.coalesce(func.sum(groups.subquery().c.rows), 0))


def orphan_count(table: TableSpec, reference: Reference) -> Select[Any]:
    source, condition = _orphans(table, reference)
    return select(func.count()).select_from(source).where(condition)


def orphan_examples(table: TableSpec, reference: Reference, limit: int) -> Select[Any]:
    """Key and referring value of the first orphans in key order."""
    source, condition = _orphans(table, reference)
    key = _key(table, source)
    return select(*key, source.c[reference.column]).where(condition).order_by(*key).limit(limit)


def _orphans(table: TableSpec, reference: Reference) -> tuple[Table, ColumnElement[bool]]:
    """NOT IN, because a database answers it with an index or a hash, and compares as the source itself would."""
    source = _table(table)
    column = source.c[reference.column]
    known = [source_table(name, [target]).alias().c[target] for name, target in reference.targets]
    absent = [column.not_in(select(target).where(target.is_not(None))) for target in known]
    return source, and_(column.is_not(None), *absent)
