"""PostgreSQL as a source: one connection with one read-only transaction for all that is read of a snapshot.

What belongs here: the address, the connection and how its session is set. What does not: reading rows
(`postgres_snapshot.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC

import psycopg
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.batching import BATCH_BYTES
from atlas_pipeline.extract.postgres_errors import refused
from atlas_pipeline.extract.postgres_loaders import use_any_bytes
from atlas_pipeline.extract.postgres_session import Connection, PostgresSession
from atlas_pipeline.extract.postgres_snapshot import PostgresSnapshot
from atlas_pipeline.extract.snapshot import SourceTime

CONNECT_SECONDS = 10
"""How long to wait for a server that does not answer at all, unless less is wanted."""

_SET = """
SELECT set_config(wanted.name, wanted.setting, true)
FROM unnest(%(names)s::text[], %(settings)s::text[]) AS wanted (name, setting)
JOIN pg_catalog.pg_settings known ON known.name = wanted.name
"""
"""Older servers lack some settings. They last as long as the transaction, so that a pooler's next user has his own."""


_TIME = """
SELECT statement_timestamp(),
  min(xact_start),
  count(*) FILTER (WHERE query = '<insufficient privilege>')
FROM pg_catalog.pg_stat_activity
WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_backend_pid()
  AND coalesce(backend_type, 'client backend') = 'client backend' AND application_name NOT LIKE 'atlas-pipeline%'
"""
"""Asked before the transaction begins, so that nobody can begin and commit in between unseen. Our own sessions only
read. What is hidden from us has no type.
"""


class PostgresSource:
    """A PostgreSQL database.

    Args:
        url: SQLAlchemy URL, `postgresql+psycopg://user:password@host:port/database`; parameters are those of libpq.
        variable: Environment variable the URL came from, for messages.
        timeout_seconds: How long to wait for a locked table, and at most for a connection.
        statement_seconds: How long one statement may work.

    Raises:
        ConfigurationError: The URL is not one of a PostgreSQL database.
    """

    def __init__(
        self,
        url: str,
        *,
        variable: str,
        timeout_seconds: float = 30.0,
        statement_seconds: float = 600.0,
        batch_bytes: int = BATCH_BYTES,
    ) -> None:
        parsed = _parsed(url, variable)
        self.description = (
            f"PostgreSQL database {parsed.database} on {parsed.host or 'this machine'}:{parsed.port or 5432}"
        )
        self._variable, self._batch_bytes = variable, batch_bytes
        self._timeout_seconds, self._statement_seconds = timeout_seconds, statement_seconds
        connect_seconds = min(CONNECT_SECONDS, max(2, math.ceil(timeout_seconds)))
        self._conninfo = _conninfo(parsed, variable, connect_seconds)

    @contextmanager
    def snapshot(self, *, label: str = "") -> Iterator[PostgresSnapshot]:
        """One consistent view for as long as the context lasts. Raises SourceError and SourceLockedError."""
        connection, time = self._connect(f"atlas-pipeline {label}".strip())
        session = PostgresSession(connection, where=self.description, statement_seconds=self._statement_seconds)
        with session:
            yield PostgresSnapshot(session, time, self._batch_bytes)

    def _connect(self, application: str) -> tuple[Connection, SourceTime]:
        settings = {
            "statement_timeout": str(math.ceil(self._statement_seconds * 1000)),
            "lock_timeout": str(max(1, math.ceil(self._timeout_seconds * 1000))),  # 0 would mean for ever
            "client_connection_check_interval": "2000",  # milliseconds; else a long sort outlives us
            "TimeZone": "UTC",
            "DateStyle": "ISO, YMD",
            "IntervalStyle": "iso_8601",
            "bytea_output": "hex",
            "xmloption": "content",
            "row_security": "off",  # rows that it hides are an error, not a smaller table
            "cursor_tuple_fraction": "1",  # all rows are fetched, so no plan that only begins fast
            "synchronize_seqscans": "off",
        }
        connection: Connection | None = None
        try:
            connection = psycopg.connect(self._conninfo, application_name=application, prepare_threshold=None)
            time = _time_of(connection)
            connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            connection.read_only = True
            connection.execute(_SET, {"names": list(settings), "settings": list(settings.values())})
            if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
                # It takes any bytes for text, and would refuse to send what is not UTF-8.
                connection.execute("SET LOCAL client_encoding = 'SQL_ASCII'")
                use_any_bytes(connection.adapters)
        except psycopg.Error as error:
            if connection is not None:
                connection.close()
            raise refused(error, self.description, self._variable) from None
        return connection, time


def _time_of(connection: Connection) -> SourceTime:
    connection.autocommit = True
    now, oldest, hidden = connection.execute(_TIME).fetchall()[0]
    connection.autocommit = False
    return SourceTime(now=now.astimezone(UTC), settled=min(now, oldest or now).astimezone(UTC), hidden=hidden)


def _conninfo(parsed: URL, variable: str, connect_seconds: int) -> str:
    """Where and how to connect, by libpq's words. What the URL says of keep-alives goes before ours."""
    words = {
        "connect_timeout": str(connect_seconds),
        "keepalives_idle": "30",
        "keepalives_interval": "10",
        "keepalives_count": "3",
        **{name: value if isinstance(value, str) else value[-1] for name, value in parsed.query.items()},
        "client_encoding": "UTF8",
    }
    named = {"host": parsed.host, "port": parsed.port, "user": parsed.username, "password": parsed.password}
    given = {name: str(value) for name, value in named.items() if value is not None}
    try:
        return make_conninfo("", dbname=parsed.database, **given, **words)
    except psycopg.ProgrammingError:
        raise ConfigurationError(
            f"{variable} has a parameter that PostgreSQL's own client does not know.",
            f"use those of libpq: {', '.join(sorted(parsed.query))} were found",
        ) from None


def _parsed(url: str, variable: str) -> URL:
    cure = f"set {variable} to postgresql+psycopg://user:password@host:5432/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigurationError(f"{variable} is not a database URL.", cure) from None
    backend, _, driver = parsed.drivername.partition("+")
    if backend != "postgresql":
        raise ConfigurationError(f"{variable} names a {backend} database; this catalog reads PostgreSQL.", cure)
    if driver not in ("", "psycopg"):
        raise ConfigurationError(f"{variable} names the driver {driver}; this project reads with psycopg.", cure)
    if not parsed.database:
        raise ConfigurationError(f"{variable} names no database.", cure)
    return parsed
