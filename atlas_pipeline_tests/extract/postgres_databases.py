"""Little PostgreSQL tables for the tests of reading, and sources that read them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import psycopg
from sqlalchemy.engine import make_url

from atlas_pipeline.extract.postgres_source import PostgresSource
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.spec.tables import TableSpec

Connection = psycopg.Connection[tuple[Any, ...]]


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


def wait_until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    """Wait for something; fails when it does not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)
