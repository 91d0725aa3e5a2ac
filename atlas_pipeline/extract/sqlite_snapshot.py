"""One consistent view of an SQLite file, read by its own driver.

What does not belong here: making the view (`sqlite_source.py`), and SQL that every dialect understands
(`statements.py`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, Text, and_, cast, null, select
from sqlalchemy.dialects import sqlite as sqlite_dialect

from atlas_pipeline.extract import statements
from atlas_pipeline.extract.batching import batched_rows
from atlas_pipeline.extract.lookups import one_value_per_key
from atlas_pipeline.extract.rate import paced
from atlas_pipeline.extract.snapshot import (
    WHOLE_TABLE,
    Orphans,
    Row,
    SourceColumn,
    SourceTime,
    Stretch,
    Undecodable,
    Window,
)
from atlas_pipeline.extract.sqlite_errors import translate, translated
from atlas_pipeline.extract.sqlite_types import scaffold_of
from atlas_pipeline.extract.statements import Expression, Reading
from atlas_pipeline.extract.text_moments import inside, no_moment, text_bounds
from atlas_pipeline.spec.tables import Reference, TableSpec

EXAMPLES = 20
KEYS_PER_QUERY = 500
_DIALECT = sqlite_dialect.dialect(paramstyle="qmark")
_UTF8_ORDER = "atlas_utf8"


class SqliteSnapshot:
    """One consistent view of an SQLite file; see `atlas_pipeline.extract.snapshot.Snapshot`.

    Args:
        connection: The connection, in its transaction.
        copied: Makes a private copy of the view and gives its connection, where a long read wants one.
        size_bytes: Size of the file.
        path: The file, for messages.
        batch_bytes: Bytes of a batch of rows.
        now: The time right before the view was made, by the clock that an application on this machine sets moments by.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        copied: Callable[[], sqlite3.Connection] | None,
        size_bytes: int,
        path: Path,
        batch_bytes: int,
        now: datetime,
    ) -> None:
        self.batch_bytes = batch_bytes
        self.description = "one read transaction on the WAL file"
        if copied is not None:
            self.description += ", and a private copy of it for long reads"
        self.size_bytes = size_bytes
        self._path = path
        self._copied = copied
        self.time = SourceTime(now=now, settled=now)
        self._use(connection)

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._collation = "BINARY"  # whatever a key column declares: the target orders by bytes
        if connection.execute("PRAGMA encoding").fetchone()[0] != "UTF-8":
            # UTF-16 files order text by its UTF-16 bytes; the target orders by UTF-8, as Python does by code point.
            connection.create_collation(_UTF8_ORDER, lambda a, b: (a > b) - (a < b))
            self._collation = _UTF8_ORDER

    def settle(self) -> None:
        """Go over to a private copy of the same view, where a long read wants one. No other read may be under way.
        Raises SourceError when there is no room for it.
        """
        if self._copied is not None:
            copied, self._copied = self._copied, None
            self._use(copied())
            self.description = "a private copy made by SQLite's backup"

    def tables(self) -> tuple[str, ...]:
        rows = self._all(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
        )
        return tuple(sorted(name for (name,) in rows))

    def columns(self, table: str) -> tuple[SourceColumn, ...]:
        rows = self._all('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,))
        return tuple(
            SourceColumn(name, declared, not (notnull or pk), scaffold=scaffold_of(declared))
            for name, declared, notnull, pk in rows
        )

    def primary_key(self, table: str) -> tuple[str, ...]:
        rows = self._all("SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk", (table,))
        return tuple(name for (name,) in rows)

    def count(self, table: TableSpec) -> int:
        return int(self._scalar(statements.row_count(self._reading(table))))

    def batches(
        self,
        table: TableSpec,
        order: Sequence[str] = (),
        stretch: Stretch = WHOLE_TABLE,
        window: Window | None = None,
    ) -> Iterator[list[Row]]:
        """The rows of a stretch in order; a window of time makes it a short read.

        The driver raises for a whole fetch when one text is not UTF-8. Then the rest is read again behind the last
        complete batch, with such texts as `Undecodable`, so that only the bad rows are refused.
        """
        reading = self._reading(table)
        rows = statements.ordered_rows(reading, order, stretch)
        if window is None:
            self.settle()
        parts = [rows] if window is None else statements.in_window(rows, _inside(reading, window))
        return self._one_after_the_other(table, parts)

    def _one_after_the_other(self, table: TableSpec, parts: Sequence[Select[Any]]) -> Iterator[list[Row]]:
        for part in parts:
            yield from self._batches(table, part)

    def _batches(self, table: TableSpec, ordered: Select[Any]) -> Iterator[list[Row]]:
        passed = 0
        try:
            for batch in self._cut(ordered, table):
                yield batch
                passed += len(batch)
        except sqlite3.Error as error:
            if not _is_bad_text(error):
                raise translate(error, self._path) from None
        else:
            return
        with self._tolerant():
            # By number, for a key says nothing of where to go on when it is NULL or when several rows have it.
            yield from self._cut(ordered.offset(passed), table)

    def _cut(self, ordered: Select[Any], table: TableSpec) -> Iterator[list[Row]]:
        unbounded = [i for i, column in enumerate(table.columns) if column.unbounded]
        fetch = paced(self._cursor(ordered), table.sync.rows_per_second)
        return batched_rows(fetch, unbounded, batch_bytes=self.batch_bytes)

    def keys(self, table: TableSpec) -> Iterator[Row]:
        yield from self._streamed(statements.ordered_keys(self._reading(table)))

    def keys_apart(self, table: TableSpec, rows: int) -> Iterator[Row]:
        yield from self._streamed(statements.keys_apart(self._reading(table), rows))

    def rows_by_key(self, table: TableSpec, keys: Sequence[Row]) -> list[Row]:
        rows: list[Row] = []
        reading = self._reading(table)
        with self._tolerant():
            for start in range(0, len(keys), KEYS_PER_QUERY):
                statement = statements.rows_by_key(reading, keys[start : start + KEYS_PER_QUERY])
                rows += self._execute(statement).fetchall()
        return rows

    def keys_in(self, table: TableSpec, window: Window) -> Iterator[list[tuple[Row, Any]]]:
        reading = self._reading(table)
        with self._tolerant():
            for part in statements.keys_in(reading, window.column, _inside(reading, window)):
                fetch = self._cursor(part)
                while rows := fetch(2_000):
                    yield [(row[:-1], row[-1]) for row in rows]

    def is_indexed(self, table: TableSpec, column: str) -> bool:
        rows = self._all(
            "SELECT 1 FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i "
            "WHERE i.seqno = 0 AND i.name = ? AND NOT l.partial",
            (table.source, column),
        )
        return bool(rows) or self.primary_key(table.source)[:1] == (column,)

    def duplicate_keys(self, table: TableSpec) -> int:
        return int(self._scalar(statements.duplicate_keys(self._reading(table))))

    def repeated_keys(self, table: TableSpec) -> Iterator[Row]:
        yield from self._streamed(statements.repeated_keys(self._reading(table)))

    def orphans(self, table: TableSpec, reference: Reference) -> Orphans:
        reading = self._reading(table)
        column = reading.reads[reference.column]
        known = [statements.source_table(name, [target]).alias().c[target] for name, target in reference.targets]
        # NOT IN, because SQLite answers it with an index of its own where the target has none.
        absent = [column.not_in(select(target).where(target.is_not(None))) for target in known]
        condition = and_(column.is_not(None), *absent)
        count = int(self._scalar(statements.orphan_count(reading, condition)))
        examples: list[Row] = []
        if count:
            with self._tolerant():
                statement = statements.orphan_examples(reading, reference, condition, EXAMPLES)
                examples = self._execute(statement).fetchall()
        return Orphans(reference, count, tuple((row[:-1], row[-1]) for row in examples))

    def lookup(self, table: str, key: str, value: str) -> Mapping[Any, Any]:
        source = statements.source_table(table, [key, value])
        statement = statements.pairs(source, cast(source.c[key], Text), cast(source.c[value], Text))
        with self._tolerant():
            return one_value_per_key(self._execute(statement), table=table, key=key, value=value)

    def restorable_texts(self, table: str, column: str) -> Mapping[int, tuple[str, ...]]:
        source = statements.source_table(table, [column])
        name = _DIALECT.identifier_preparer.quote(column)
        # Comparing text with a number, SQLite applies the affinity that turned the text into a number on insert.
        rows = self._all(
            f"SELECT CAST({name} AS NUMERIC), {name} FROM {_DIALECT.identifier_preparer.format_table(source)} "
            f"WHERE {name} = CAST({name} AS NUMERIC) AND typeof(CAST({name} AS NUMERIC)) = 'integer' ORDER BY {name}"
        )
        texts: dict[int, tuple[str, ...]] = {}
        for number, value in rows:
            texts[number] = (*texts.get(number, ()), value)
        return texts

    def _reading(self, table: TableSpec) -> Reading:
        real = {column.name for column in self.columns(table.source)}
        source = statements.source_table(table.source, table.column_names)
        return Reading(
            table=table,
            source=source,
            reads={
                column.name: source.c[column.name]
                if column.name in real or not column.optional
                else null().label(column.name)
                for column in table.columns
            },
            sorts={name: source.c[name].collate(self._collation) for name in table.key},
        )

    def _streamed(self, statement: Select[Any]) -> Iterator[Row]:
        with self._tolerant():
            fetch = self._cursor(statement)
            while rows := fetch(2_000):
                yield from rows

    @contextmanager
    def _tolerant(self) -> Iterator[None]:
        """Texts that are not UTF-8 come as `Undecodable`. Slower, for it asks Python about each text."""
        self._connection.text_factory = _decode
        try:
            yield
        finally:
            self._connection.text_factory = str

    def _cursor(self, statement: Select[Any]) -> Any:
        return self._execute(statement).fetchmany

    def _scalar(self, statement: Select[Any]) -> Any:
        return self._execute(statement).fetchone()[0]

    def _execute(self, statement: Select[Any]) -> sqlite3.Cursor:
        compiled = statement.compile(dialect=_DIALECT, compile_kwargs={"render_postcompile": True})
        parameters = [_bound(compiled.params[name]) for name in compiled.positiontup or ()]
        with translated(self._path):
            return self._connection.execute(str(compiled), parameters)

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with translated(self._path):
            return self._connection.execute(sql, parameters).fetchall()


def _inside(reading: Reading, window: Window) -> list[Expression]:
    """The conditions of a window; those without a moment come last."""
    moment = reading.source.c[window.column]
    zone = ZoneInfo(reading.table.column(window.column).zone)
    conditions: list[Expression] = [inside(moment, text_bounds(window, zone))]
    return [*conditions, *no_moment(moment)] if window.nulls else conditions


def _bound(value: Any) -> Any:
    """A value as the driver takes it. SQLite makes a number of a decimal's text, where the column is of numbers."""
    return str(value) if isinstance(value, Decimal) else value


def _decode(raw: bytes) -> str | Undecodable:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return Undecodable(raw)


def _is_bad_text(error: sqlite3.Error) -> bool:
    return "could not decode to utf-8" in str(error).lower()
