"""Little SQLite files for the tests of reading, the specs that describe them, and sources that read them."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from atlas_pipeline.extract.snapshot import Row, Undecodable
from atlas_pipeline.extract.sqlite_snapshot import SqliteSnapshot
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec

ITEMS = TableSpec(
    source="items",
    collection="items",
    key=("id",),
    columns=(text("id", 36), integer("amount", nullable=True), text("note", 80, nullable=True)),
)
ITEMS_DDL = "CREATE TABLE items (id VARCHAR(36) NOT NULL, amount INTEGER, note VARCHAR(80), PRIMARY KEY (id))"
PAIRS = TableSpec(
    source="pairs",
    collection="pairs",
    key=("team", "account"),
    columns=(text("account", 36), integer("team"), text("note", 80, nullable=True)),
)
PAIRS_DDL = "CREATE TABLE pairs (account VARCHAR(36), team INTEGER, note VARCHAR(80), PRIMARY KEY (team, account))"
MODES = ("wal", "delete")


def item(number: int) -> Row:
    return f"item-{number:05}", number, f"note {number}"


@contextmanager
def database(path: Path, mode: str = "wal", *, encoding: str = "UTF-8") -> Iterator[sqlite3.Connection]:
    """A connection in autocommit mode to a file in that journal mode, new or not. It waits for nobody."""
    with closing(sqlite3.connect(path, isolation_level=None, timeout=0)) as connection:
        connection.execute(f"PRAGMA encoding = '{encoding}'")
        connection.execute(f"PRAGMA journal_mode = {mode}")
        yield connection


def fill(connection: sqlite3.Connection, table: str, rows: list[Row]) -> None:
    """Insert rows in one transaction; text that is no UTF-8 is given as Undecodable."""
    connection.execute("BEGIN")
    for row in rows:
        places = ("CAST(? AS TEXT)" if isinstance(value, Undecodable) else "?" for value in row)
        connection.execute(f"INSERT INTO {table} VALUES ({', '.join(places)})", row)
    connection.execute("COMMIT")


def write_items(path: Path, rows: list[Row], *, mode: str = "wal", encoding: str = "UTF-8") -> Path:
    """A file with the table ITEMS."""
    with database(path, mode, encoding=encoding) as connection:
        connection.execute(ITEMS_DDL)
        fill(connection, "items", rows)
    return path


def source_of(path: Path, *, timeout_seconds: float = 5.0) -> SqliteSource:
    """A source that keeps its private copies in the folder `copies` beside the file's folder."""
    return SqliteSource(
        f"sqlite:///{path}",
        variable="ITEMS_DB_URL",
        copies=path.parent.parent / "copies",
        timeout_seconds=timeout_seconds,
    )


def all_rows(snapshot: SqliteSnapshot, table: TableSpec) -> list[Row]:
    return [row for batch in snapshot.batches(table) for row in batch]


def as_nobody(work: Callable[[], Any]) -> str:
    """The error that work raises in a process of a user without any right, and "" when it raises none.

    Where the tests do not run as root, they have such a right no more than others, and the process stays who it is.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setresgid(65_534, 65_534, 65_534)
                os.setresuid(65_534, 65_534, 65_534)
            work()
            os._exit(0)
        except BaseException as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(1)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "r", encoding="utf-8") as said:
        return said.read()
