"""Little PostgreSQL tables for the tests of reading, and sources that read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from atlas_pipeline.extract.postgres_source import PostgresSource
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.waiting import wait_until

Connection = psycopg.Connection[tuple[Any, ...]]

_SESSIONS = (
    "SELECT state, state_change FROM pg_stat_activity "
    "WHERE application_name = %s AND datname = current_database() AND backend_type = 'client backend'"
)


def connected(url: str) -> Connection:
    """A connection in autocommit mode, by the driver itself."""
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True)


def run(url: str, *statements: str) -> None:
    """Execute statements, each in a transaction of its own."""
    with connected(url) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def asked(url: str, statement: str, parameters: Sequence[Any] = ()) -> list[Row]:
    """All rows of a query."""
    with connected(url) as connection:
        return connection.execute(statement.encode(), parameters).fetchall()


def source_of(url: str, **options: Any) -> PostgresSource:
    return PostgresSource(url, variable="ITEMS_DB_URL", **options)


def as_user(url: str, user: str, password: str) -> str:
    """The same database for somebody else."""
    return make_url(url).set(username=user, password=password).render_as_string(hide_password=False)


def all_rows(snapshot: Snapshot, table: TableSpec, order: Sequence[str] = ()) -> list[Row]:
    return [row for batch in snapshot.batches(table, order) for row in batch]


def sessions(url: str, name: str) -> list[str]:
    """The states of the sessions in this database that call themselves so."""
    return [state for state, _ in asked(url, _SESSIONS, [name])]


def wait_for_use(url: str, name: str, times: int) -> None:
    """Wait until a session was given something to do so often; it is never seen in a transaction that failed."""
    used = set()
    with connected(url) as connection:

        def look() -> bool:
            ((state, changed),) = connection.execute(_SESSIONS.encode(), [name]).fetchall()
            assert state in ("idle in transaction", "active", "idle")
            used.add(changed)
            return len(used) > times

        wait_until(look, f"work of the session {name}")
