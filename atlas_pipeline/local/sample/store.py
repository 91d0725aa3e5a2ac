"""Put rows into a new SQLite file, and the file into its place.

What belongs here: the care for the file (whole or not at all, private, no foreign file overwritten) and the INSERT
statements. What does not: rows and schema.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.local.sample.world import Row, Value

APPLICATION_ID = 0x41544C53  # in the header of every sample; by it a sample is told from a real database
_SIDE_FILES = ("-wal", "-shm", "-journal")
_CACHE_KIB = 65_536


@dataclass(frozen=True)
class RawText:
    """Bytes that are to be stored as text although they are not UTF-8."""

    data: bytes


@contextmanager
def new_database(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a new, empty database that takes the place of `path` when the block ends without an error.

    The file is private to its owner from the start, because it holds secrets. It is left in WAL mode, as the
    application leaves its own, with everything in the main file.

    Raises:
        ConfigurationError: `path` holds something that is not a sample, a program has the sample there open, or the
            folder cannot be written.
    """
    _refuse_to_harm(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".partial")
    except OSError as error:
        raise ConfigurationError(
            f"The sample {path} cannot be written: {error.strerror}.", "Choose another."
        ) from error
    os.close(handle)
    partial = Path(name)
    try:
        with closing(sqlite3.connect(partial, isolation_level=None)) as database:
            # Nothing is lost when this process dies: the unfinished file is not used. So no journal and no waiting.
            database.execute("PRAGMA journal_mode = OFF")
            database.execute("PRAGMA synchronous = OFF")
            database.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
            database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            database.execute("PRAGMA foreign_keys = OFF")
            database.execute("BEGIN")
            yield database
            database.execute("COMMIT")
            database.execute("PRAGMA journal_mode = WAL")
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise
        raise ConfigurationError(f"The sample {path} cannot be written: {error}.", "Make room on the disk.") from error
    finally:
        for leftover in (partial, *_side_files(partial)):
            leftover.unlink(missing_ok=True)


def insert_rows(database: sqlite3.Connection, table: str, rows: Iterator[Row]) -> int:
    """Insert a stream of rows, each with every column of the table, and return how many there were."""
    columns = [name for _, name, *_ in database.execute(f'PRAGMA table_info("{table}")')]
    places = ", ".join("?" for _ in columns)
    values = ([row[column] for column in columns] for row in rows)  # binding by place is faster than by name
    cursor = database.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", values)
    return cursor.rowcount


def insert_one(database: sqlite3.Connection, table: str, row: Mapping[str, Value | RawText]) -> None:
    """Insert one row, which may hold text that is not UTF-8."""
    places = (f"CAST(:{column} AS TEXT)" if isinstance(row[column], RawText) else f":{column}" for column in row)
    values = {column: value.data if isinstance(value, RawText) else value for column, value in row.items()}
    database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(places)})", values)


def _refuse_to_harm(path: Path) -> None:
    if path.exists() and not (path.is_file() and path.stat().st_size == 0):
        try:
            # Closing the last connection also folds a write-ahead log that a killed program left into the file.
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as database:
                (application_id,) = database.execute("PRAGMA application_id").fetchone()
        except sqlite3.DatabaseError as error:
            raise ConfigurationError(f"{path} is there and is not a sample ({error}).", "Choose another.") from error
        if application_id != APPLICATION_ID:
            raise ConfigurationError(f"{path} is there and is not a sample.", "Choose another path, or move it away.")
    for side_file in _side_files(path):
        # A log of the old file next to the new one would be taken for the new one's and destroy it.
        if side_file.exists():
            raise ConfigurationError(
                f"The sample {path} is open in another program: {side_file.name} is there.",
                "End that program; if there is none, remove that file.",
            )


def _side_files(path: Path) -> tuple[Path, ...]:
    return tuple(path.with_name(path.name + suffix) for suffix in _SIDE_FILES)
