"""An empty database for a test that asks for one, and embedded servers whose folders are removed.

What belongs here: making and removing. The fixtures `postgres_server` and `postgres_database` in
`atlas_pipeline_tests/conftest.py` hand out the server of the session. What does not: what is tried with them.
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from atlas_pipeline.local.files import POSTGRESQL, ServerFiles
from atlas_pipeline.local.locks import is_held
from atlas_pipeline.local.servers import PostgresServer, postgresql
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.waiting import wait_until

_NEVER_ON_DISK = ("-c", "fsync=off", "-c", "full_page_writes=off")


@contextmanager
def running_server(state: Path) -> Iterator[PostgresServer]:
    """An embedded server for as long as the context lasts. It does not wait for its disk, as its data do not outlive
    the session; what it has written outlives its processes all the same.
    """
    with home_removed(state), postgresql(Settings(ATLAS_STATE_DIR=state), extra_args=_NEVER_ON_DISK) as server:
        yield server


@contextmanager
def home_removed(state: Path) -> Iterator[None]:
    """Removes, at the end, the folder that a server of this state folder had elsewhere, as it has when we are root.

    A server may outlive its last user by a moment, and writes into its folder until it has ended.
    """
    try:
        yield
    finally:
        files = ServerFiles(state, POSTGRESQL)
        wait_until(lambda: not files.is_supervised() and not is_held(files.data_lock), f"no PostgreSQL of {state}")
        if files.home_record.exists():
            shutil.rmtree(files.home)


@contextmanager
def empty_database(server: PostgresServer) -> Iterator[str]:
    """A new database; its SQLAlchemy URL. It is dropped afterwards, whoever is connected."""
    name = f"test_{uuid.uuid4().hex}"
    _execute(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield server.url(name)
    finally:
        _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: PostgresServer, statement: sql.Composed) -> None:
    plain = server.url("postgres").replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(statement)
