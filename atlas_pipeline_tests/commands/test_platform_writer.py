"""A sync beside an application that keeps writing: the snapshot holds, and our sessions are no burden to the source."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
from pymongo import MongoClient

from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import PostgresServer
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.tool import PausedInserts, server_in
from atlas_pipeline_tests.load.faults import wait_until
from atlas_pipeline_tests.postgres import empty_database

Client = MongoClient[dict[str, Any]]
EVERY_SECONDS = 0.1
LONGEST_IDLE_SECONDS = 1.0
GONE_SECONDS = 5.0
OURS = "FROM pg_stat_activity WHERE application_name LIKE 'atlas-pipeline%' AND datname = current_database()"
WRITES = (
    "INSERT INTO investigation_audit_log (entry_id, investigation_id, user_id, action_type, source, timestamp) "
    "VALUES ('new-' || {n}, 'inv', 'writer', 'UPDATED', 'API', now())",
    "UPDATE investigation_states SET version = version + 1, updated_at = now()",
    "DELETE FROM transaction_scores WHERE ctid IN (SELECT ctid FROM transaction_scores LIMIT 3)",
    "INSERT INTO transaction_scores VALUES ('inv', 'transaction-' || {n}, 0.5, now())",
)


@dataclass
class Watched:
    """What was seen of our sessions.

    Attributes:
        samples: How often was looked.
        sessions: The most sessions at once.
        idle: The longest time, in seconds, that one was idle in its transaction.
    """

    samples: int = 0
    sessions: int = 0
    idle: float = 0.0
    errors: list[BaseException] = field(default_factory=list)


@pytest.fixture(scope="module")
def source(postgres_server: PostgresServer) -> Iterator[str]:
    with empty_database(postgres_server) as url:
        write_platform_sample(url, size=PlatformSize.small(), hard=False)
        yield url


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with server_in(tmp_path_factory.mktemp("writer")) as uri:
        yield uri


def _connect(url: str) -> psycopg.Connection[Any]:
    return psycopg.connect(url.replace("+psycopg", "", 1), autocommit=True)


@contextmanager
def _writing(url: str) -> Iterator[list[int]]:
    """An application that writes without a pause. Gives how many statements it has done."""
    done, stop = [0], threading.Event()

    def write() -> None:
        with _connect(url) as connection:
            while not stop.is_set():
                for statement in WRITES:
                    connection.execute(statement.format(n=done[0]).encode())
                    done[0] += 1

    with _thread(write, stop):
        yield done


@contextmanager
def _watching(url: str) -> Iterator[Watched]:
    """Look at our sessions ten times a second."""
    seen, stop = Watched(), threading.Event()
    idle = "coalesce(max(extract(epoch FROM clock_timestamp() - state_change)) FILTER (WHERE state LIKE 'idle in%'), 0)"

    def watch() -> None:
        with _connect(url) as connection:
            while not stop.wait(EVERY_SECONDS):
                found = connection.execute(f"SELECT count(*), {idle} {OURS}").fetchone()
                assert found is not None
                seen.samples += 1
                seen.sessions = max(seen.sessions, found[0])
                seen.idle = max(seen.idle, float(found[1]))

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


def test_counts_and_samples_hold_beside_a_writer_and_no_session_idles_in_its_transaction(
    source: str, target: str, tmp_path: Path
) -> None:
    env = {"DATABASE_URL": source, "MONGODB_URI": target, "ATLAS_STATE_DIR": tmp_path}
    with _writing(source) as writes, _watching(source) as seen:
        said = cli.run("sync", "investigation_platform", "--json", env=env)
    assert said.code == 0, said
    assert writes[0] > len(WRITES)
    for one in said.json["tables"]:
        assert one["read"] == one["inserted"] + one["quarantined"], one
        assert one["quarantined"] == 0, one
    assert said.json["problems"] == []
    assert seen.samples > 0
    assert seen.sessions == 1  # one connection per table, one table at a time
    assert seen.idle < LONGEST_IDLE_SECONDS


def test_a_killed_sync_leaves_no_session_behind(source: str, target: str, tmp_path: Path) -> None:
    env = {"DATABASE_URL": source, "MONGODB_URI": target, "ATLAS_STATE_DIR": tmp_path}
    with Client(target) as client, _connect(source) as connection, PausedInserts(client) as paused:
        with cli.started("sync", "investigation_platform", "--table", "templates", env=env) as process:
            paused.wait()

            def ours() -> int:
                found = connection.execute(f"SELECT count(*) {OURS}").fetchone()
                assert found is not None
                return int(found[0])

            assert ours() == 1
            process.kill()
            process.wait()
        killed = time.monotonic()
        wait_until(lambda: ours() == 0, "the end of the killed command's session", GONE_SECONDS)
        assert time.monotonic() - killed < GONE_SECONDS + 1
