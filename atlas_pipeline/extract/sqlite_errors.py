"""SQLite's errors in the project's own words. The driver's texts can quote values, so only known ones are repeated."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas_pipeline.errors import SourceError, SourceLockedError


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise SourceError or SourceLockedError for what SQLite raises inside the block."""
    try:
        yield
    except sqlite3.Error as error:
        raise translate(error, path) from None


def translate(error: sqlite3.Error, path: Path) -> SourceError:
    """The error to raise instead, with what to do about it."""
    extended = getattr(error, "sqlite_errorcode", 0)
    code = extended & 0xFF
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return SourceLockedError(
            f"Source file {path} stayed locked by another program.", "end its long transaction, or wait longer"
        )
    if code == sqlite3.SQLITE_NOTADB:
        return SourceError(
            f"Source file {path} is not an SQLite database, or it is encrypted.", "name an SQLite 3 file"
        )
    if code == sqlite3.SQLITE_CORRUPT:
        return SourceError(f"Source file {path} is damaged.", "run PRAGMA integrity_check on it, or restore it")
    if extended == sqlite3.SQLITE_READONLY_ROLLBACK:
        return SourceError(
            f"Source file {path} was left in the middle of a commit by a program that died.",
            "open it once with that program or the sqlite3 shell, which takes the commit back",
        )
    if code in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY):
        return SourceError(
            f"Source file {path} cannot be opened.", "a WAL file needs a writable folder for its -shm file; check both"
        )
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    return SourceError(f"Source file {path} cannot be read: {name}.", "check the file with the sqlite3 shell")
