"""Source databases of a benchmark: tables made from their specs in SQLite files and PostgreSQL databases, and filled.

What belongs here: both dialects, as fast as they take rows. What does not: which tables and which rows (`generated`,
`tpch`). What is made is a source like any other: SQLite in WAL mode, PostgreSQL vacuumed and analysed.
"""

from __future__ import annotations

import csv
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy.engine import make_url

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from psycopg import Connection

Dialect = Literal["sqlite", "postgresql"]

VARIABLE = "ATLAS_BENCH_SOURCE_URL"
"""What the messages of a benchmark's catalog call the address of its source. Nothing reads it."""
_CACHE_KIB = 262_144
_COPIED_BYTES = 1 << 20
_FILLING = ("journal_mode = MEMORY", "synchronous = OFF", f"cache_size = -{_CACHE_KIB}")


def dialect_of(url: str) -> Dialect:
    """The dialect of a source by its SQLAlchemy URL. Raises ConfigurationError for any other."""
    match make_url(url).get_backend_name():
        case "sqlite":
            return "sqlite"
        case "postgresql":
            return "postgresql"
        case other:
            raise ConfigurationError(f"A benchmark has no sources of {other}.", "use sqlite or postgresql+psycopg")


def catalog(url: str, tables: Sequence[TableSpec], *, database: str, name: str = "bench") -> CatalogSpec:
    """The catalog of a source at this URL, whose collections are in that database."""
    return CatalogSpec(
        name=name, dialect=dialect_of(url), source_variable=VARIABLE, database=database, tables=tuple(tables)
    )


def fill(url: str, table: TableSpec, rows: Iterable[Row]) -> int:
    """Make a table and put rows into it; gives how many.

    Args:
        url: SQLAlchemy URL of the source. An SQLite file that is not there is made.
        table: What to make; of the declared types of a column SQLite takes the first and PostgreSQL the last.
        rows: Each holds the values of all columns, as both dialects take them: moments and days as texts, truth values
            as 0 and 1.

    Raises:
        ConfigurationError: The table is there already.
        ServerUnavailableError: PostgreSQL cannot be reached.
    """
    if dialect_of(url) == "sqlite":
        with _sqlite(url, table) as file:
            return _inserted(file, table, rows)
    with _postgresql(url, table) as connection, connection.cursor() as cursor:
        with cursor.copy(_copy(table, "")) as copy:
            for row in rows:
                copy.write_row(row)
        return cursor.rowcount


def fill_from_csv(url: str, table: TableSpec, file: Path) -> int:
    """As `fill`, from a file with a line of names and the columns in the order of the spec."""
    if dialect_of(url) == "sqlite":
        with _sqlite(url, table) as target, file.open(encoding="utf-8", newline="") as lines:
            reader = csv.reader(lines)
            next(reader)
            return _inserted(target, table, reader)
    with _postgresql(url, table) as connection, connection.cursor() as cursor, file.open("rb") as content:
        with cursor.copy(_copy(table, " WITH (FORMAT csv, HEADER true)")) as copy:
            while block := content.read(_COPIED_BYTES):
                copy.write(block)
        return cursor.rowcount


def create_statement(table: TableSpec, dialect: Dialect) -> str:
    """The CREATE TABLE of a spec."""
    which = 0 if dialect == "sqlite" else -1
    columns = [
        f"{_quoted(column.name)} {column.declared[which]}{'' if column.nullable else ' NOT NULL'}"
        for column in table.columns
    ]
    return f"CREATE TABLE {_quoted(table.source)} ({', '.join(columns)}, PRIMARY KEY ({_names(table.key)}))"


@contextmanager
def _sqlite(url: str, table: TableSpec) -> Iterator[sqlite3.Connection]:
    """A connection for filling the new table, which is there as a whole afterwards, or not at all."""
    path = Path(make_url(url).database or "")
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for setting in _FILLING:
            connection.execute(f"PRAGMA {setting}")
        connection.execute("BEGIN")
        try:
            connection.execute(create_statement(table, "sqlite"))
            yield connection
        except BaseException as error:
            connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and "already exists" in str(error):
                raise _there_already(table, str(path)) from None
            raise
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode = WAL")


def _inserted(connection: sqlite3.Connection, table: TableSpec, rows: Iterable[Sequence[Any]]) -> int:
    places = ", ".join("?" for _ in table.columns)
    return connection.executemany(f"INSERT INTO {_quoted(table.source)} VALUES ({places})", rows).rowcount


@contextmanager
def _postgresql(url: str, table: TableSpec) -> Iterator[Connection]:
    """A connection for filling the new table, which is there as a whole afterwards, or not at all."""
    import psycopg

    parts = make_url(url)
    where = f"{parts.host}:{parts.port or 5432}/{parts.database}"
    try:
        opened = psycopg.connect(parts.set(drivername="postgresql").render_as_string(hide_password=False))
    except psycopg.OperationalError:
        raise ServerUnavailableError(f"PostgreSQL at {where} cannot be used.", "start it, or correct the URL") from None
    with closing(opened) as connection:
        try:
            with connection.transaction():
                connection.execute(create_statement(table, "postgresql").encode())
                yield connection
        except psycopg.errors.DuplicateTable:
            raise _there_already(table, where) from None
        connection.autocommit = True
        connection.execute(f"VACUUM ANALYZE {_quoted(table.source)}".encode())


def _copy(table: TableSpec, options: str) -> bytes:
    return f"COPY {_quoted(table.source)} ({_names(table.column_names)}) FROM STDIN{options}".encode()


def _there_already(table: TableSpec, where: str) -> ConfigurationError:
    return ConfigurationError(f"{where} has a table {table.source} already.", "name an empty database")


def _names(names: Iterable[str]) -> str:
    return ", ".join(_quoted(name) for name in names)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
