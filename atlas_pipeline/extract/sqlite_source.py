"""SQLite as a source: one read transaction, or a private copy, for all tables of a run.

A file in WAL mode is read inside one read-only transaction, which does not disturb its writers; a large one is copied
with SQLite's own backup before rows are read that no window of time bounds, for the log would grow for as long as that
takes. Any other file is copied at once, as any read blocks the application's commits. What does not belong here:
reading rows (`sqlite_snapshot.py`).
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from atlas_pipeline.errors import ConfigurationError, SourceError
from atlas_pipeline.extract.batching import BATCH_BYTES
from atlas_pipeline.extract.sqlite_errors import translated
from atlas_pipeline.extract.sqlite_snapshot import SqliteSnapshot

COPY_ABOVE_BYTES = 2 * 1024**3
"""A WAL file larger than this is copied before a long read."""


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

    def __init__(
        self, url: str, *, variable: str, copies: Path, timeout_seconds: float = 30.0, batch_bytes: int = BATCH_BYTES
    ) -> None:
        self.path = _file_of(url, variable)
        self.description = f"SQLite file {self.path}"
        self._copies = copies
        self._timeout_seconds, self._batch_bytes = timeout_seconds, batch_bytes

    @contextmanager
    def snapshot(self, *, label: str = "") -> Iterator[SqliteSnapshot]:  # noqa: ARG002 - a file shows it nowhere
        """One consistent view for as long as the context lasts. Raises SourceError and SourceLockedError."""
        with self._readable():
            is_file = self.path.is_file()
        if not is_file:
            raise SourceError(
                f"Source file {self.path} does not exist or is not a file.", "check the path in the source URL"
            )
        with self._leaving_no_log(), closing(self._open()) as connection, translated(self.path), ExitStack() as copies:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            now = datetime.now(UTC)
            connection.execute("BEGIN")
            connection.execute(
                "SELECT count(*) FROM sqlite_schema"
            ).fetchone()  # the snapshot begins here, not at BEGIN
            size = self.path.stat().st_size

            def copied() -> sqlite3.Connection:
                copy = copies.enter_context(self._copied(connection))
                connection.rollback()
                return copy

            brief = mode == "wal"
            snapshot = SqliteSnapshot(
                connection,
                copied=None if brief and size <= COPY_ABOVE_BYTES else copied,
                size_bytes=size,
                path=self.path,
                batch_bytes=self._batch_bytes,
                now=now,
            )
            if not brief:
                snapshot.settle()
            yield snapshot

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SourceError(
                f"Source file {self.path} cannot be read: {error.strerror}.", "check its permissions and its folder's"
            ) from None

    def _open(self) -> sqlite3.Connection:
        with self._readable(), self.path.open("rb") as file:
            header = file.read(16)
        if header and header != b"SQLite format 3\0":
            raise SourceError(
                f"Source file {self.path} is not an SQLite database, or it is encrypted.",
                "name an unencrypted SQLite 3 file",
            )
        with translated(self.path):
            return sqlite3.connect(
                f"{self.path.as_uri()}?mode=ro",
                uri=True,
                timeout=self._timeout_seconds,
                isolation_level=None,
                check_same_thread=False,  # one thread at a time: the reader thread, then the caller's
            )

    @contextmanager
    def _leaving_no_log(self) -> Iterator[None]:
        """A read-only connection to a WAL file makes an empty log beside it and may not remove it again. Any other one
        does when it is closed, unless a program has the file open, and writes nothing where the log is empty.
        """
        try:
            yield
        finally:
            log = self.path.with_name(f"{self.path.name}-wal")
            with suppress(FileNotFoundError, sqlite3.Error):  # then somebody else works here, and will remove it
                if log.stat().st_size == 0:
                    with closing(sqlite3.connect(f"{self.path.as_uri()}?mode=rw", uri=True)) as connection:
                        connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()

    @contextmanager
    def _copied(self, connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
        self._copies.mkdir(parents=True, exist_ok=True, mode=0o700)
        for path in abandoned(self._copies):
            path.unlink(missing_ok=True)
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
                # The copy of a WAL file is one too, and would want files of its own beside it.
                copy.execute("PRAGMA journal_mode = DELETE")
                # The file has no name from here on: it goes with this process, however that ends.
                path.unlink()
                yield copy
        finally:
            path.unlink(missing_ok=True)


def abandoned(copies: Path) -> list[Path]:
    """Copies, and their journals, whose process died while it made them. Later on a copy has no name any more."""
    owners = ((path, path.name.partition("-")[0]) for path in copies.glob("*-*.sqlite3*"))
    return [path for path, owner in owners if owner.isdigit() and not psutil.pid_exists(int(owner))]


def _file_of(url: str, variable: str) -> Path:
    cure = f"set {variable} to sqlite:///path/to/file.sqlite3"
    try:
        parsed: URL = make_url(url)
    except ArgumentError:
        raise ConfigurationError(f"{variable} is not a database URL.", cure) from None
    if parsed.get_backend_name() != "sqlite":
        raise ConfigurationError(
            f"{variable} names a {parsed.get_backend_name()} database; this catalog reads SQLite.", cure
        )
    database = (parsed.database or "").removeprefix("file:")
    if database in ("", ":memory:"):
        raise ConfigurationError(f"{variable} names no file.", cure)
    return Path(database).expanduser().absolute()
