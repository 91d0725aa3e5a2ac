"""SQLite as a source: one read transaction, or a private copy, for all tables of a run.

A file in WAL mode is read inside one read-only transaction, which does not disturb its writers. Any other file, and a large
one, is copied with SQLite's own backup first: a long read would block the application's commits in rollback mode and let
the log grow in WAL mode. What does not belong here: SQL that every dialect understands (`statements.py`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import Select
from sqlalchemy.dialects import sqlite as sqlite_dialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from atlas_pipeline.errors import ConfigurationError, SourceError, SourceLockedError
from atlas_pipeline.extract import statements
from atlas_pipeline.extract.batching import batched_rows
from atlas_pipeline.extract.snapshot import Orphans, Row, SourceColumn, Undecodable
from atlas_pipeline.spec.tables import Reference, TableSpec

COPY_ABOVE_BYTES = 2 * 1024**3
"""A WAL file larger than this is copied: its log would grow for as long as it is read."""
EXAMPLES = 20
KEYS_PER_QUERY = 500
_DIALECT = sqlite_dialect.dialect(paramstyle="qmark")
_UTF8_ORDER = "atlas_utf8"


class SqliteSource:
    """An SQLite file.

    Args:
        url: SQLAlchemy URL, `sqlite:///relative/path` or `sqlite:////absolute/path`.
        variable: Environment variable the URL came from, for messages.
        copies: Folder for private copies. They hold the source's secrets and are readable by the owner only.
        timeout_seconds: How long to wait for a locked file.

    Raises:
        ConfigurationError: The URL is not one of an SQLite file.
    """

    def __init__(self, url: str, *, variable: str, copies: Path, timeout_seconds: float = 30.0) -> None:
        self.path = _file_of(url, variable)
        self.description = f"SQLite file {self.path}"
        self._copies = copies
        self._timeout_seconds = timeout_seconds

    @contextmanager
    def snapshot(self) -> Iterator[SqliteSnapshot]:
        """One consistent view for as long as the context lasts. Raises SourceError and SourceLockedError."""
        if not self.path.is_file():
            raise SourceError(f"Source file {self.path} does not exist or is not a file.", "check the path in the source URL")
        with closing(self._open()) as connection, _translated(self.path):
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # the snapshot begins here, not at BEGIN
            size = self.path.stat().st_size
            if mode == "wal" and size <= COPY_ABOVE_BYTES:
                yield SqliteSnapshot(connection, "one read transaction on the WAL file", size, self.path)
                return
            with self._copied(connection) as copy:
                connection.rollback()
                yield SqliteSnapshot(copy, "a private copy made by SQLite's backup", size, self.path)

    def _open(self) -> sqlite3.Connection:
        try:
            with self.path.open("rb") as file:
                header = file.read(16)
        except OSError as error:
            raise SourceError(
                f"Source file {self.path} cannot be read: {error.strerror}.", "check its permissions"
            ) from None
        if header and header != b"SQLite format 3\0":
            raise SourceError(
                f"Source file {self.path} is not an SQLite database, or it is encrypted.",
                "name an unencrypted SQLite 3 file",
            )
        with _translated(self.path):
            return sqlite3.connect(
                f"{self.path.as_uri()}?mode=ro",
                uri=True,
                timeout=self._timeout_seconds,
                isolation_level=None,
                check_same_thread=False,  # one thread at a time: the reader thread, then the caller's
            )

    @contextmanager
    def _copied(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        self._copies.mkdir(parents=True, exist_ok=True, mode=0o700)
        _remove_abandoned(self._copies)
        size, free = self.path.stat().st_size, shutil.disk_usage(self._copies).free
        if free < size:
            raise SourceError(
                f"A private copy of {self.path} needs {size:,} bytes; {self._copies} has {free:,} left.",
                "make room, or set ATLAS_STATE_DIR to a larger disk",
            )
        path = self._copies / f"{os.getpid()}-{uuid.uuid4().hex}.sqlite3"
        path.touch(mode=0o600)
        try:
            with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as copy:
                connection.backup(copy)
                # The file has no name from here on: it goes with this process, however that ends.
                path.unlink()
                yield copy
        finally:
            path.unlink(missing_ok=True)


class SqliteSnapshot:
    """One consistent view of an SQLite file; see `atlas_pipeline.extract.snapshot.Snapshot`."""

    def __init__(self, connection: sqlite3.Connection, description: str, size_bytes: int, path: Path) -> None:
        self.description = description
        self.size_bytes = size_bytes
        self._path = path
        self._connection = connection
        self._collation: str | None = None
        if connection.execute("PRAGMA encoding").fetchone()[0] != "UTF-8":
            # UTF-16 files order text by its UTF-16 bytes; the target orders by UTF-8, as Python does by code point.
            connection.create_collation(_UTF8_ORDER, lambda a, b: (a > b) - (a < b))
            self._collation = _UTF8_ORDER

    def tables(self) -> tuple[str, ...]:
        rows = self._all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'")
        return tuple(sorted(name for (name,) in rows))

    def columns(self, table: str) -> tuple[SourceColumn, ...]:
        rows = self._all('SELECT name, type, "notnull", pk FROM pragma_table_info(?)', (table,))
        return tuple(SourceColumn(name, declared, not (notnull or pk)) for name, declared, notnull, pk in rows)

    def count(self, table: TableSpec) -> int:
        return int(self._scalar(statements.row_count(table)))

    def batches(self, table: TableSpec) -> Iterator[list[Row]]:
        """All rows in key order.

        The driver raises for a whole fetch when one text is not UTF-8. Then the rest is read again from the last complete
        batch on, with such texts as `Undecodable`, so that only the bad rows are refused.
        """
        unbounded = [i for i, column in enumerate(table.columns) if column.unbounded]
        key = [table.column_names.index(name) for name in table.key]
        last: Row | None = None
        try:
            for batch in batched_rows(self._cursor(statements.ordered_rows(table, None, self._collation)), unbounded):
                yield batch
                last = tuple(batch[-1][position] for position in key)
        except sqlite3.Error as error:
            if not _is_bad_text(error):
                raise _translate(error, self._path) from None
        else:
            return
        with self._tolerant():
            statement = statements.ordered_rows(table, last, self._collation)
            yield from batched_rows(self._cursor(statement), unbounded)

    def keys(self, table: TableSpec) -> Iterator[Row]:
        with self._tolerant():
            fetch = self._cursor(statements.ordered_keys(table, self._collation))
            while rows := fetch(2_000):
                yield from rows

    def rows_by_key(self, table: TableSpec, keys: Sequence[Row]) -> list[Row]:
        rows: list[Row] = []
        with self._tolerant():
            for start in range(0, len(keys), KEYS_PER_QUERY):
                statement = statements.rows_by_key(table, keys[start : start + KEYS_PER_QUERY])
                rows += self._execute(statement).fetchall()
        return rows

    def duplicate_keys(self, table: TableSpec) -> int:
        return int(self._scalar(statements.duplicate_keys(table)))

    def orphans(self, table: TableSpec, reference: Reference) -> Orphans:
        count = int(self._scalar(statements.orphan_count(table, reference)))
        examples: list[Row] = []
        if count:
            with self._tolerant():
                examples = self._execute(statements.orphan_examples(table, reference, EXAMPLES)).fetchall()
        return Orphans(reference, count, tuple((row[:-1], row[-1]) for row in examples))

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
        parameters = [compiled.params[name] for name in compiled.positiontup or ()]
        with _translated(self._path):
            return self._connection.execute(str(compiled), parameters)

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        with _translated(self._path):
            return self._connection.execute(sql, parameters).fetchall()


def _remove_abandoned(copies: Path) -> None:
    """Remove copies whose process died while it made them. Later on a copy has no name any more."""
    for path in copies.glob("*-*.sqlite3"):
        owner = path.name.partition("-")[0]
        if owner.isdigit() and not psutil.pid_exists(int(owner)):
            path.unlink(missing_ok=True)


def _file_of(url: str, variable: str) -> Path:
    cure = f"set {variable} to sqlite:///path/to/file.sqlite3"
    try:
        parsed: URL = make_url(url)
    except ArgumentError:
        raise ConfigurationError(f"{variable} is not a database URL.", cure) from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError(f"{variable} names a {parsed.get_backend_name()} database; this catalog reads SQLite.", cure)
    database = (parsed.database or "").removeprefix("file:")
    if database in ("", ":memory:"):
        raise ConfigurationError(f"{variable} names no file.", cure)
    return Path(database).expanduser().absolute()


def _decode(raw: bytes) -> str | Undecodable:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return Undecodable(raw)


def _is_bad_text(error: sqlite3.Error) -> bool:
    return "could not decode to utf-8" in str(error).lower()


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _translate(error, path) from None


def _translate(error: sqlite3.Error, path: Path) -> SourceError:
    """The driver's texts can quote values, so only known ones are repeated."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SourceLockedError(
            f"Source file {path} stayed locked by another program.", "end its long transaction, or wait longer"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return SourceError(f"Source file {path} is not an SQLite database, or it is encrypted.", "name an SQLite 3 file")
    if code == sqlite3.SQLITE_CORRUPT:
        return SourceError(f"Source file {path} is damaged.", "run PRAGMA integrity_check on it, or restore it")
    if code == sqlite3.SQLITE_CANTOPEN:
        return SourceError(
            f"Source file {path} cannot be opened.", "a WAL file needs a writable folder for its -shm file; check both"
        )
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    return SourceError(f"Source file {path} cannot be read: {name}.", "check the file with the sqlite3 shell")
