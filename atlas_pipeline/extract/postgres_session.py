"""One connection with one read transaction, which several threads may use in turn and which never idles for long.

What belongs here: running statements, fetching, keeping the transaction usable after a refused statement, and the
thread that keeps it busy: other tools take a transaction that idles for one that was forgotten, and some end it. What
does not: making the connection (`postgres_source`), and what is asked (`postgres_snapshot`).
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import psycopg
from psycopg.adapt import Transformer
from psycopg.pq import Format

from atlas_pipeline.extract.postgres_errors import translate
from atlas_pipeline.extract.postgres_loaders import tolerant_adapters
from atlas_pipeline.extract.snapshot import Row

IDLE_SECONDS = 0.4
"""How long the transaction may idle before it is given something to do."""

Connection = psycopg.Connection[Row]
Cursor = psycopg.Cursor[Row] | psycopg.ServerCursor[Row]


class PostgresSession:
    """A read transaction; a context manager that ends it with its connection.

    Args:
        connection: A connection in the transaction.
        where: The database, for people.
        statement_seconds: The time-out of its statements, for messages.
    """

    def __init__(self, connection: Connection, *, where: str, statement_seconds: float) -> None:
        self._connection, self._where, self._statement_seconds = connection, where, statement_seconds
        self._lock = threading.RLock()
        self._used = time.monotonic()
        self._recoveries = 0
        self._ended = threading.Event()
        self._keeper = threading.Thread(target=self._keep_busy, name="atlas-postgresql-keeper", daemon=True)
        self._names = (f"atlas_{number}" for number in itertools.count(1))
        self._tolerant = tolerant_adapters()

    def __enter__(self) -> PostgresSession:
        with self._using(self._where):
            self._connection.execute("SAVEPOINT atlas")
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._keeper.join()
        self._connection.close()

    def all(self, sql: str, parameters: Mapping[str, Any], *, about: str = "") -> list[Row]:
        """All rows of a small result. Raises SourceError, in which `about` says what was read."""
        with self._using(about or self._where), self._connection.cursor(binary=True) as cursor:
            cursor.execute(sql.encode(), parameters)
            return self._loaded(cursor, cursor.fetchall)

    @contextmanager
    def stream(self, sql: str, parameters: Mapping[str, Any], *, about: str) -> Iterator[Callable[[int], list[Row]]]:
        """A server-side cursor, as the function that gives so many further rows, and an empty list at the end.

        Both raise SourceError, in which `about` says what was read.
        """
        with self._using(about):
            cursor = self._connection.cursor(name=next(self._names), binary=True)
        with self._using(about, cursor):
            cursor.execute(sql.encode(), parameters)
            recoveries = self._recoveries

        def fetch(rows: int) -> list[Row]:
            with self._using(about, cursor):
                return self._loaded(cursor, lambda: cursor.fetchmany(rows))

        try:
            yield fetch
        finally:
            with self._using(about, cursor):
                if self._recoveries == recoveries:  # else the server closed it with the others
                    cursor.close()

    def _loaded(self, cursor: Cursor, load: Callable[[], list[Row]]) -> list[Row]:
        """What the driver makes of a result, which it refuses whole when Python cannot hold one value of it. Then the
        same result is loaded again, with such values as `Undecodable`.
        """
        try:
            return load()
        except (psycopg.DataError, UnicodeDecodeError) as error:
            if getattr(error, "sqlstate", None) is not None or cursor.pgresult is None:
                raise
            again = Transformer.from_context(_Adapted(self._tolerant, self._connection))
            again.set_pgresult(cursor.pgresult, format=Format.BINARY)
            return again.load_rows(0, cursor.pgresult.ntuples, tuple)

    @contextmanager
    def _using(self, about: str, cursor: Cursor | None = None) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except psycopg.Error as error:
                if cursor is not None:
                    cursor.close()  # which asks the server nothing while the transaction is refused
                raise self._recovered(error, about) from None
            finally:
                self._used = time.monotonic()

    def _recovered(self, error: psycopg.Error, about: str) -> Exception:
        """Make the transaction usable again, for other tables, and give the error to raise."""
        self._recoveries += 1
        if not self._connection.closed:
            try:
                self._connection.execute("ROLLBACK TO SAVEPOINT atlas")
            except psycopg.Error:
                self._connection.close()  # so that every later use says that it went away
        alive = not self._connection.closed
        return translate(error, where=self._where, about=about, alive=alive, statement_seconds=self._statement_seconds)

    def _keep_busy(self) -> None:
        while not self._ended.wait(max(0.0, self._used + IDLE_SECONDS - time.monotonic())):
            with self._lock:
                if time.monotonic() - self._used < IDLE_SECONDS:
                    continue
                try:
                    self._connection.execute("SELECT 1")
                except psycopg.Error:
                    return  # whoever uses the connection next meets the same error
                self._used = time.monotonic()


class _Adapted:
    """What the driver wants to know for loading a result: loaders and connection."""

    def __init__(self, adapters: psycopg.adapt.AdaptersMap, connection: Connection) -> None:
        self.adapters, self.connection = adapters, connection
