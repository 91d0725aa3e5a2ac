"""An application that writes while a table is verified: rows change at a steady rate, and documents follow, or do not.

What belongs here: the writer, and the campaign of `python -m benchmarks.verify --writers`. What does not: what else is
measured.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections import deque
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline.spec.tables import TableSpec

NOTES = TableSpec(
    source="notes",
    collection="notes",
    key=("id",),
    columns=(
        integer("id"),
        integer("version"),
        text("note"),
        utc("changed", sql_type="TIMESTAMP", inexact="milliseconds"),
    ),
    changed_at="changed",
)
NOTES_ROWS, RATE, LAG_SECONDS = 20_000, 200.0, 0.8
_DDL = "CREATE TABLE notes (id INTEGER PRIMARY KEY, version INTEGER, note TEXT, changed TIMESTAMP)"


def make_notes(source: Path, rows: int) -> None:
    """A source with so many notes that changed long ago."""
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(_DDL)
        connection.executemany(
            "INSERT INTO notes VALUES (?, 0, ?, '2026-01-01 00:00:00.000')",
            ((n, f"note {n} " * 5) for n in range(rows)),
        )


@dataclass(eq=False)
class Writer(threading.Thread):
    """Changes notes, but those with keys below 0, until it is stopped: four of five times a row that is there, else a
    new one or, where documents follow, one that goes.

    Args:
        source: The file of the source.
        uri: The server of the target.
        database: Name of the target database.
        rate: Changes per second.
        lag_seconds: By how much documents follow their rows at most; None when they do not follow.
        seed: Which changes.
    """

    source: Path
    uri: str
    database: str
    rate: float
    lag_seconds: float | None
    seed: int = 0
    changed: set[int] = field(default_factory=set)
    changes: int = 0
    longest_lag: float = 0.0
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._stopped = threading.Event()
        self._random = random.Random(self.seed)  # noqa: S311 - a load, not a secret
        self._due: deque[tuple[float, float, int, dict[str, Any] | None]] = deque()
        self._there: list[int] = []
        self._next = 0

    def run(self) -> None:
        from pymongo import MongoClient

        try:
            with (
                closing(sqlite3.connect(self.source, timeout=30, isolation_level=None)) as connection,
                MongoClient[dict[str, Any]](self.uri) as client,
            ):
                collection = client[self.database]["notes"]
                self._there = [key for (key,) in connection.execute("SELECT id FROM notes WHERE id >= 0")]
                self._next = max(self._there) + 1
                began = time.monotonic()
                while not self._stopped.is_set():
                    self._change(connection)
                    self._follow(collection, time.monotonic())
                    self._stopped.wait(max(0.0, began + self.changes / self.rate - time.monotonic()))
                self._follow(collection, float("inf"))
        except BaseException as error:  # shown by stop()
            self.error = error

    def stop(self) -> None:
        """End, when all documents have followed. Raises what went wrong."""
        self._stopped.set()
        self.join()
        if self.error is not None:
            raise self.error

    def _change(self, connection: sqlite3.Connection) -> None:
        self.changes += 1
        now = datetime.now(UTC).replace(tzinfo=None)
        what = self._random.random()
        key = self._random.choice(self._there)
        document: dict[str, Any] | None = {"version": self.changes, "note": f"change {self.changes}", "changed": now}
        values = (self.changes, f"change {self.changes}", f"{now:%Y-%m-%d %H:%M:%S.%f}")
        if what < 0.8:
            connection.execute("UPDATE notes SET version = ?, note = ?, changed = ? WHERE id = ?", (*values, key))
        elif what < 0.9 or self.lag_seconds is None:
            key, self._next = self._next, self._next + 1
            self._there.append(key)
            connection.execute("INSERT INTO notes (version, note, changed, id) VALUES (?, ?, ?, ?)", (*values, key))
        else:
            self._there.remove(key)
            connection.execute("DELETE FROM notes WHERE id = ?", (key,))
            document = None
        self.changed.add(key)
        if self.lag_seconds is not None:
            made = time.monotonic()
            due = made + self._random.random() * self.lag_seconds
            self._due.append((max(due, self._due[-1][0] if self._due else 0.0), made, key, document))

    def _follow(self, collection: Any, now: float) -> None:
        """Let the documents follow that are due, in the order of the changes."""
        while self._due and self._due[0][0] <= now:
            _, made, key, document = self._due.popleft()
            if document is None:
                collection.delete_one({"_id": key})
            else:
                collection.replace_one({"_id": key}, document, upsert=True)
            self.longest_lag = max(self.longest_lag, time.monotonic() - made)


def campaign(bench: Any, seconds: float) -> dict[str, Any]:
    """Verify again and again while documents follow their rows, and while they do not; gives what was found."""
    everything = replace(NOTES, sync=SyncPolicy(foreign_documents="delete"))  # what the first writer made goes
    answer: dict[str, Any] = {"rows": NOTES_ROWS, "changes_per_second": RATE}
    for name, table, lag in (
        ("both_sides", replace(everything, changed_at=""), LAG_SECONDS),
        ("source_alone", everything, None),
    ):
        bench.load(table)
        writer = Writer(
            source=bench.source_file,
            uri=bench.uri,
            database=bench.catalog.database,
            rate=RATE,
            lag_seconds=lag,
        )
        verifications = []
        writer.start()
        ended = time.monotonic() + seconds
        while time.monotonic() < ended:
            verifications.append(bench.verify(table))
        writer.stop()
        last = bench.verify(table)
        answer[name] = {
            "changes": writer.changes,
            "rows_changed": len(writer.changed),
            "longest_lag_seconds": round(writer.longest_lag, 2),
            "verifications": len(verifications),
            "first_seen": sum(one.tally.first_seen for one in verifications),
            "alarms": sum(one.tally.differences for one in (*verifications, last)),
            "pending_at_the_end": last.tally.pending,
            "pending_is_exact": last.tally.pending == (0 if lag is not None else len(writer.changed)),
        }
    answer["holds"] = all(
        not answer[name]["alarms"] and answer[name]["pending_is_exact"] for name in ("both_sides", "source_alone")
    )
    return answer
