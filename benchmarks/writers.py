"""A writer that changes rows of an SQLite table all the time and, where it is told, their documents within a second.

What belongs here: changing, and counting what was changed. What does not: comparing.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

ROWS_PER_SECOND = 200
LATEST_SECONDS = 0.8
"""How long a document waits at most before it is changed too."""


class _Due(NamedTuple):
    """A change of a document: when its row was written, when it is due, which, and what."""

    written: float
    due: float
    key: str
    values: dict[str, Any]


class Writer:
    """Changes rows as long as its context lasts.

    Args:
        source_file: The SQLite file.
        table: The table; its key is `id`, a text.
        column: A column of texts to change, named as its field.
        cursor: The column that holds when a row changed, or "".
        live: Gives the collection in which documents are changed too, or None to leave them.
        rows_per_second: How many rows it changes.
    """

    def __init__(
        self,
        source_file: Path,
        table: str,
        column: str,
        *,
        cursor: str = "",
        live: Callable[[], Any] | None = None,
        rows_per_second: int = ROWS_PER_SECOND,
    ) -> None:
        self._file, self._table, self._column, self._cursor = source_file, table, column, cursor
        self._live, self._pause = live, 1 / rows_per_second
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="writer")
        self._error: BaseException | None = None
        self.keys: set[str] = set()
        self.changes = 0
        self.seconds = self.slowest = 0.0

    def __enter__(self) -> Writer:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            with closing(sqlite3.connect(self._file, timeout=30, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = OFF")
                keys = [key for (key,) in connection.execute(f"SELECT id FROM {self._table}")]
                self._write(connection, keys)
        except BaseException as error:
            self._error = error

    def _write(self, connection: sqlite3.Connection, keys: list[str]) -> None:
        dice = random.Random(9)  # noqa: S311 - a sample
        waiting: list[_Due] = []
        live = self._live() if self._live is not None else None
        began = due = time.monotonic()
        while not self._stop.is_set():
            key, text = dice.choice(keys), f"changed {self.changes}"
            moment = datetime.now(UTC).replace(tzinfo=None).strftime("%Y-%m-%d %H:%M:%S.%f")
            values = {self._column: text} | ({self._cursor: moment} if self._cursor else {})
            sets = ", ".join(f"{name} = ?" for name in values)
            connection.execute(f"UPDATE {self._table} SET {sets} WHERE id = ?", (*values.values(), key))
            self.keys.add(key)
            self.changes += 1
            if live is not None:
                written = time.monotonic()
                waiting.append(_Due(written, written + dice.uniform(0, LATEST_SECONDS), key, {self._column: text}))
            waiting = self._apply(live, waiting, until=time.monotonic())
            due += self._pause
            self._stop.wait(max(0.0, due - time.monotonic()))
        self._apply(live, waiting, until=float("inf"))
        self.seconds = time.monotonic() - began

    def _apply(self, live: Any, waiting: list[_Due], *, until: float) -> list[_Due]:
        """Change the documents that are due; a later change of the same row never comes before an earlier one."""
        left: list[_Due] = []
        held: set[str] = set()
        for one in waiting:
            if one.due > until or one.key in held:
                held.add(one.key)
                left.append(one)
                continue
            live.update_one({"_id": one.key}, {"$set": one.values})
            self.slowest = max(self.slowest, time.monotonic() - one.written)
        return left
