"""One consistent view of a PostgreSQL database, read inside one transaction.

What does not belong here: the transaction itself (`postgres_session.py`), which types can be read
(`postgres_types.py`), and SQL that every dialect understands (`statements.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Table, Text, and_, cast, exists, null
from sqlalchemy.dialects.postgresql.base import PGDialect

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract import statements
from atlas_pipeline.extract.batching import BATCH_ROWS, batched_rows
from atlas_pipeline.extract.lookups import one_value_per_key
from atlas_pipeline.extract.postgres_catalog import PostgresCatalog, RealColumn
from atlas_pipeline.extract.postgres_errors import UnfitKeyError
from atlas_pipeline.extract.postgres_session import PostgresSession
from atlas_pipeline.extract.postgres_types import Policy
from atlas_pipeline.extract.rate import paced
from atlas_pipeline.extract.snapshot import WHOLE_TABLE, Orphans, Row, SourceColumn, SourceTime, Stretch, Window
from atlas_pipeline.extract.statements import Expression, Reading
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.tables import Reference, TableSpec

EXAMPLES = 20
KEYS_PER_QUERY = 500
FETCH_KEYS = 2_000
_PUT_BACK = timedelta(days=1)
"""No clock was put back by more since there are time zones."""
_DIALECT = PGDialect(paramstyle="pyformat")  # type: ignore[no-untyped-call]
_SAME_ORDER = frozenset({"UTF8", "SQL_ASCII", "LATIN1"})
"""Encodings whose bytes order as those of UTF-8 do."""
_FAMILIES = ({"int2", "int4", "int8"}, {"text", "varchar"})


class PostgresSnapshot:
    """One consistent view of a PostgreSQL database; see `atlas_pipeline.extract.snapshot.Snapshot`.

    Args:
        session: The transaction; it must outlive the snapshot.
        time: The server's clock right before it began.
        batch_bytes: Bytes of a batch of rows.
    """

    def __init__(self, session: PostgresSession, time: SourceTime, batch_bytes: int) -> None:
        self._session, self.batch_bytes = session, batch_bytes
        self.time = time
        version, encoding, size = session.all(
            "SELECT current_setting('server_version'), current_setting('server_encoding'), "
            "pg_catalog.pg_database_size(pg_catalog.current_database())",
            {},
        )[0]
        self.description = f"one REPEATABLE READ transaction on PostgreSQL {version.split()[0]}"
        self.size_bytes: int = size
        self._converted = encoding not in _SAME_ORDER
        self._catalog = PostgresCatalog(session.all)

    def tables(self) -> tuple[str, ...]:
        return tuple(sorted(self._catalog.relations))

    def columns(self, table: str) -> tuple[SourceColumn, ...]:
        return tuple(real.described for real in self._catalog.columns(table).values())

    def primary_key(self, table: str) -> tuple[str, ...]:
        return self._catalog.primary_key(table)

    def count(self, table: TableSpec) -> int:
        return int(self._all(statements.row_count(self._reading(table)), table.source)[0][0])

    def batches(
        self,
        table: TableSpec,
        order: Sequence[str] = (),
        stretch: Stretch = WHOLE_TABLE,
        window: Window | None = None,
    ) -> Iterator[list[Row]]:
        unbounded = [i for i, column in enumerate(table.columns) if column.unbounded]
        reading = self._reading(table)
        rows = statements.ordered_rows(reading, order, stretch)
        parts = [rows]
        if window is not None:
            parts = statements.in_window(rows, self._inside(reading, window))
        for part in parts:
            with self._stream(part, table.source) as fetch:
                yield from batched_rows(
                    paced(fetch, table.sync.rows_per_second),
                    unbounded,
                    batch_bytes=self.batch_bytes,
                    fetch_rows=BATCH_ROWS,  # each fetch is a statement, for whose answer somebody waits
                )

    def keys(self, table: TableSpec) -> Iterator[Row]:
        yield from self._streamed(statements.ordered_keys(self._reading(table)), table.source)

    def keys_apart(self, table: TableSpec, rows: int) -> Iterator[Row]:
        yield from self._streamed(statements.keys_apart(self._reading(table), rows), table.source)

    def rows_by_key(self, table: TableSpec, keys: Sequence[Row]) -> list[Row]:
        reading = self._reading(table)
        rows: list[Row] = []
        for start in range(0, len(keys), KEYS_PER_QUERY):
            part = keys[start : start + KEYS_PER_QUERY]
            try:
                rows += self._all(statements.rows_by_key(reading, part), table.source)
            except UnfitKeyError:  # a text that the column's type, such as an enumeration, does not know
                texts = [tuple(str(value) for value in key) for key in part]
                rows += self._all(statements.rows_by_key(reading, texts, as_text=True), table.source)
        return rows

    def keys_in(self, table: TableSpec, window: Window) -> Iterator[list[tuple[Row, Any]]]:
        reading = self._reading(table)
        for part in statements.keys_in(reading, window.column, self._inside(reading, window)):
            with self._stream(part, table.source) as fetch:
                while rows := fetch(FETCH_KEYS):
                    yield [(row[:-1], row[-1]) for row in rows]

    def _inside(self, reading: Reading, window: Window) -> list[Expression]:
        """The conditions of a window; those without a moment come last. Bounds are as the real column holds them."""
        moment = reading.source.c[window.column]
        since, until = window.since, window.until
        real = self._catalog.columns(reading.table.source)[window.column]
        if real.policy is not None and real.policy.base == "timestamp":
            zone = ZoneInfo(reading.table.column(window.column).zone)
            since, until = (one and one.astimezone(zone).replace(tzinfo=None) for one in (since, until))
            if until is not None and zone.key != "UTC":  # of an hour that comes twice, all are of the first one
                until += _PUT_BACK
        conditions = [statements.between(moment, since, until)]
        return [*conditions, moment.is_(None)] if window.nulls else conditions

    def is_indexed(self, table: TableSpec, column: str) -> bool:
        return column in self._catalog.leading_columns(table.source)

    def duplicate_keys(self, table: TableSpec) -> int:
        return int(self._all(statements.duplicate_keys(self._reading(table)), table.source)[0][0])

    def repeated_keys(self, table: TableSpec) -> Iterator[Row]:
        yield from self._streamed(statements.repeated_keys(self._reading(table)), table.source)

    def orphans(self, table: TableSpec, reference: Reference) -> Orphans:
        reading = self._reading(table)
        if reference.column not in self._catalog.columns(table.source):
            return Orphans(reference, 0, ())
        condition = self._orphaned(reading, reference)
        count = int(self._all(statements.orphan_count(reading, condition), table.source)[0][0])
        examples: list[Row] = []
        if count:
            statement = statements.orphan_examples(reading, reference, condition, EXAMPLES)
            examples = self._all(statement, table.source)
        return Orphans(reference, count, tuple((row[:-1], row[-1]) for row in examples))

    def lookup(self, table: str, key: str, value: str) -> Mapping[Any, Any]:
        source = self._table(table, [key, value])
        statement = statements.pairs(source, cast(source.c[key], Text()), cast(source.c[value], Text()))
        return one_value_per_key(self._streamed(statement, table), table=table, key=key, value=value)

    def restorable_texts(self, table: str, column: str) -> Mapping[int, tuple[str, ...]]:  # noqa: ARG002
        """None: PostgreSQL keeps texts as they are."""
        return {}

    def _orphaned(self, reading: Reading, reference: Reference) -> Expression:
        """Values of another type than their target are compared as texts, which the documents hold."""
        name = reference.column
        column, real = reading.source.c[name], self._catalog.columns(reading.table.source)[name]
        found = []
        for target_table, target in reference.targets:
            other = self._table(target_table, [target]).alias()
            pair: tuple[Expression, Expression] = column, other.c[target]
            if not _comparable(real, self._catalog.columns(target_table)[target]):
                pair = cast(pair[0], Text()), cast(pair[1], Text())
            found.append(exists().where(pair[0] == pair[1]))
        return and_(column.is_not(None), *(~one for one in found))

    def _reading(self, table: TableSpec) -> Reading:
        real = self._catalog.columns(table.source)
        there = [column for column in table.columns if column.name in real or not column.optional]
        source = self._table(table.source, [column.name for column in there])
        reads: dict[str, Expression] = {column.name: null().label(column.name) for column in table.columns}
        for column in there:
            reads[column.name] = self._policy(table.source, column).read(column, source.c[column.name])
        sorts = {
            column.name: self._policy(table.source, column).sort(
                column, source.c[column.name], converted=self._converted
            )
            for column in table.key_columns
        }

        def bound(name: str, value: Any) -> Expression:
            column = table.column(name)
            return self._policy(table.source, column).bound(column, value, converted=self._converted)

        return Reading(table=table, source=source, reads=reads, sorts=sorts, bound=bound)

    def _policy(self, table: str, column: ColumnSpec) -> Policy:
        found = self._catalog.columns(table)[column.name]
        if found.policy is None or not found.described.reads_as(column):
            raise SourceError(
                f"Table {table}: column {column.name} is {found.described.sql_type}, "
                f"which cannot be read as {column.value}.",
                "bring the spec and the source together",
            )
        return found.policy

    def _table(self, name: str, columns: Sequence[str]) -> Table:
        """The real table with these columns. Raises SourceError when it lacks one, or is not there."""
        real = self._catalog.columns(name)
        if name not in self._catalog.relations or any(column not in real for column in columns):
            raise SourceError(
                f"Table {name} with {', '.join(columns)} is missing (found: {', '.join(real) or 'no such table'}).",
                "name the right source, or bring it to the schema that the catalog describes",
            )
        relation = self._catalog.relations[name]
        return statements.source_table(relation.name, columns, relation.schema)

    def _all(self, statement: Select[Any], table: str) -> list[Row]:
        return self._session.all(*_compiled(statement), about=f"Table {table}")

    def _stream(self, statement: Select[Any], table: str) -> AbstractContextManager[Callable[[int], list[Row]]]:
        return self._session.stream(*_compiled(statement), about=f"Table {table}")

    def _streamed(self, statement: Select[Any], table: str) -> Iterator[Row]:
        with self._stream(statement, table) as fetch:
            while rows := fetch(FETCH_KEYS):
                yield from rows


def _compiled(statement: Select[Any]) -> tuple[str, Mapping[str, Any]]:
    compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
    return str(compiled), compiled.params


def _comparable(one: RealColumn, other: RealColumn) -> bool:
    """Whether the server compares the two as they are."""
    if one.policy is None or other.policy is None:
        return False
    bases = {one.policy.base, other.policy.base}
    return len(bases) == 1 or any(bases <= family for family in _FAMILIES)
