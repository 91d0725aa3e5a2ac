"""A sync beside an application that keeps writing: the snapshot holds, and our sessions are no burden to the source."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pymongo import MongoClient

from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.load.faults import PausedInserts
from atlas_pipeline_tests.postgres import empty_database
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]
EVERY_SECONDS = 0.1
REST_SECONDS = 0.01
TIMES = 4
OURS = (
    "FROM pg_stat_activity WHERE application_name LIKE 'atlas-pipeline%' AND datname = current_database() "
    "AND backend_type = 'client backend'"
)
TABLES = ("investigations", "audit_log", "transaction_scores", "templates")
"""Those that the application writes to, and one that it leaves alone."""
WRITES = (
    "INSERT INTO investigation_audit_log (entry_id, investigation_id, user_id, action_type, source, timestamp) "
    "VALUES ('new-' || {n}, 'inv', 'writer', 'UPDATED', 'API', now())",
    "UPDATE investigation_states SET version = version + 1, updated_at = now()",
    "DELETE FROM transaction_scores WHERE ctid IN (SELECT ctid FROM transaction_scores LIMIT 3)",
    "INSERT INTO transaction_scores VALUES ('inv', 'transaction-' || {n}, 0.5, now())",
)


@dataclass(frozen=True)
class Session:
    """A session of ours, as it was last seen.

    Attributes:
        began: When it was made.
        worked: When it last began or ended a statement.
    """

    began: datetime
    worked: datetime


@pytest.fixture(scope="module")
def source(postgres_server: PostgresServer) -> Iterator[str]:
    with empty_database(postgres_server) as url:
        write_platform_sample(url, size=PlatformSize.small(), hard=False)
        yield url


@pytest.fixture
def env(source: str, empty_target: Client, mongo_server: MongoServer, tmp_path: Path) -> cli.Environment:
    return {"DATABASE_URL": source, "MONGODB_URI": mongo_server.uri, "ATLAS_STATE_DIR": tmp_path}


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@contextmanager
def _writing(url: str) -> Iterator[list[int]]:
    """An application that goes on writing. Gives how many statements it has done."""
    done, stop = [0], threading.Event()

    def write() -> None:
        with _connect(url) as connection:
            while not stop.wait(REST_SECONDS):
                for statement in WRITES:
                    connection.execute(statement.format(n=done[0]).encode())
                    done[0] += 1

    with _thread(write, stop):
        yield done


@contextmanager
def _watching(url: str) -> Iterator[dict[int, Session]]:
    """Look at our sessions ten times a second. Gives those that were seen, by the process ids of their servers."""
    seen, stop = dict[int, Session](), threading.Event()

    def watch() -> None:
        with _connect(url) as connection:
            while not stop.wait(EVERY_SECONDS):
                for pid, began, worked in connection.execute(f"SELECT pid, backend_start, state_change {OURS}"):
                    seen[pid] = Session(began, worked)

    with _thread(watch, stop):
        yield seen


@contextmanager
def _thread(work: Any, stop: threading.Event) -> Iterator[None]:
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert errors == []


def test_counts_and_samples_hold_beside_a_writer_and_one_session_reads_at_a_time(
    source: str, env: cli.Environment
) -> None:
    with _writing(source) as writes, _watching(source) as seen:
        tables = [word for table in TABLES for word in ("--table", table)]
        said = cli.run("sync", "investigation_platform", *tables, "--json", env=env)
    assert said.code == 0, said
    assert writes[0] > len(WRITES)
    for one in said.json["tables"]:
        assert one["read"] == one["inserted"] + one["quarantined"], one
        assert one["quarantined"] == 0, one
    assert said.json["problems"] == []
    sessions = sorted(seen.values(), key=lambda session: session.began)
    assert sessions
    for one, following in pairwise(sessions):
        assert one.worked < following.began


def test_a_sync_that_is_held_keeps_its_session_busy_and_leaves_none_behind_when_it_is_killed(
    source: str, empty_target: Client, env: cli.Environment
) -> None:
    with _connect(source) as connection, PausedInserts(empty_target) as paused:

        def ours() -> list[tuple[str, datetime]]:
            return connection.execute(f"SELECT state, state_change {OURS}").fetchall()

        worked = set()

        def works_again() -> bool:
            ((state, when),) = ours()
            assert state in ("idle in transaction", "active")
            worked.add(when)
            return len(worked) > TIMES

        with cli.started(
            "sync", "investigation_platform", "--table", "templates", "--mode", "reload", env=env
        ) as process:
            paused.wait(process)
            wait_until(works_again, "statements of a session that nobody reads from")
            process.kill()
            process.wait()
        wait_until(lambda: not ours(), "the end of the killed command's session")
