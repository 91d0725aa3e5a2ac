"""Transactions that set the moment of a row and commit later, after rows with newer moments have been synced."""

from __future__ import annotations

import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from atlas_pipeline.extract import sqlite_source
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline_tests.resync.syncing import LINES, Syncing, by_cursor, did, line, lines, now

NO_LAG = timedelta(0)


@contextmanager
def transaction(table: Syncing) -> Iterator[Any]:
    """A transaction at the source; it has begun, and commits when the context is left."""
    if table.proof.is_sqlite:
        with closing(sqlite3.connect(table.proof.url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            file.execute("BEGIN IMMEDIATE")
            yield file
            file.execute("COMMIT")
    else:
        with psycopg.connect(table.proof.url.replace("+psycopg", "", 1)) as connection:
            connection.execute("SELECT 1")
            yield connection


def insert(transaction: Any, number: int, changed: datetime) -> None:
    """Insert a row that nobody else sees yet."""
    places = ", ".join(f"'{value}'" for value in line(number, changed=changed))
    transaction.execute(f"INSERT INTO lines VALUES ({places})")


def test_a_row_that_is_committed_late_is_not_lost_by_a_lag(anywhere: Syncing) -> None:
    spec = by_cursor(lag=timedelta(seconds=10))
    anywhere.insert(*lines(5))
    anywhere.quick(spec)
    with transaction(anywhere) as late:
        insert(late, 50, now() - timedelta(seconds=5))
        facts = anywhere.quick(spec)
        assert (facts.mode, facts.inserted, facts.warnings) == ("watermark", 0, [])
        assert facts.watermark is not None
        assert facts.lag_seconds >= 10
    assert anywhere.quick(spec).inserted == 1
    assert anywhere.is_proven(spec)


def test_without_a_lag_it_is_missed_which_is_said_and_found_by_the_next_reconcile(in_sqlite: Syncing) -> None:
    spec = by_cursor(lag=NO_LAG)
    in_sqlite.insert(*lines(5))
    in_sqlite.quick(spec)
    with transaction(in_sqlite) as late:
        insert(late, 50, now() - timedelta(seconds=5))
        facts = in_sqlite.quick(spec)
        assert [told for told in facts.warnings if "lag of cursor changed is 0" in told] == facts.warnings != []
    assert in_sqlite.quick(spec).inserted == 0
    assert not in_sqlite.is_proven(spec)
    assert did(in_sqlite.quick(spec, Scope(mode="reconcile"))) == (1, 0, 0, 5)
    assert in_sqlite.is_proven(spec)


def test_an_open_transaction_holds_the_watermark_where_the_source_tells_of_it(in_postgres: Syncing) -> None:
    spec = by_cursor(lag=NO_LAG)
    in_postgres.insert(*lines(5))
    in_postgres.quick(spec)
    with transaction(in_postgres) as late:
        begun = late.execute("SELECT now()").fetchone()[0]
        insert(late, 50, begun.replace(microsecond=0) + timedelta(seconds=1))
        in_postgres.insert(line(51, changed=now()))
        facts = in_postgres.quick(spec)
        assert (facts.inserted, facts.watermark) == (1, begun)
    assert in_postgres.quick(spec).inserted == 1
    assert in_postgres.is_proven(spec)
    later = in_postgres.quick(spec).watermark
    assert later is not None
    assert later > begun


def test_a_transaction_that_began_before_a_reconcile_is_waited_for_too(in_postgres: Syncing) -> None:
    spec = by_cursor(lag=NO_LAG)
    in_postgres.insert(*lines(5))
    with transaction(in_postgres) as late:
        begun = late.execute("SELECT now()").fetchone()[0]
        assert in_postgres.quick(spec).watermark == begun
        assert in_postgres.quick(spec, Scope(mode="reconcile")).watermark == begun


def test_our_own_snapshots_do_not_hold_the_watermark(in_postgres: Syncing) -> None:
    spec = by_cursor(lag=NO_LAG)
    in_postgres.insert(*lines(5))
    with in_postgres.proof.opened(spec).source.snapshot(label="another run") as other:
        watermark = in_postgres.quick(spec).watermark
        assert watermark is not None
        assert watermark > other.time.now


def test_sessions_that_the_source_hides_are_warned_of(in_postgres: Syncing) -> None:
    spec = by_cursor()
    in_postgres.insert(*lines(5))
    name = in_postgres.proof.url.rpartition("/")[2].partition("?")[0]
    role = sql.Identifier(f"reader_{name}")
    with psycopg.connect(in_postgres.proof.url.replace("+psycopg", "", 1), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'reader'").format(role))
        try:
            admin.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA public TO {}").format(role))
            reader = in_postgres.as_user(f"reader_{name}", "reader")
            reader.quick(spec)
            (told,) = reader.quick(spec).warnings
            assert "1 sessions of other users are hidden" in told
            admin.execute(sql.SQL("GRANT pg_read_all_stats TO {}").format(role))
            assert reader.quick(spec).warnings == []
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
            admin.execute(sql.SQL("DROP ROLE {}").format(role))


def test_what_is_committed_before_the_time_of_a_private_copy_is_in_it(
    in_sqlite: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_source, "COPY_ABOVE_BYTES", 0)
    in_sqlite.proof.change("CREATE TABLE ballast AS SELECT zeroblob(30 * 1024 * 1024)")
    committed: dict[str, datetime] = {}
    writing, done = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(in_sqlite.proof.url.removeprefix("sqlite:///"), isolation_level=None)) as file:
            file.execute("PRAGMA synchronous = OFF")
            for number in itertools.takewhile(lambda _: not done.is_set(), itertools.count()):
                file.execute("INSERT INTO lines VALUES (?, ?, ?, ?)", line(number))
                committed[line(number)[0]] = datetime.now(UTC)
                writing.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert writing.wait(10)
        with in_sqlite.proof.opened(LINES).source.snapshot() as snapshot:
            batches = snapshot.batches(LINES)
            done.set()
            writer.join()
            seen = {row[0] for batch in batches for row in batch}
            assert "private copy" in snapshot.description
            assert len(seen) < len(committed)
            assert {key for key, moment in committed.items() if moment < snapshot.time.now} <= seen
    finally:
        done.set()
        writer.join()


def test_a_sync_by_cursor_copies_no_large_file_for_a_few_rows(
    in_sqlite: Syncing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_source, "COPY_ABOVE_BYTES", 0)
    spec = by_cursor()
    in_sqlite.insert(*lines(5))
    in_sqlite.sync(spec)
    copies: list[sqlite3.Connection] = []
    copied = SqliteSource._copied

    def noting(self: SqliteSource, connection: sqlite3.Connection) -> AbstractContextManager[sqlite3.Connection]:
        copies.append(connection)
        return copied(self, connection)

    monkeypatch.setattr(SqliteSource, "_copied", noting)
    in_sqlite.insert(line(50, changed=now()))
    assert in_sqlite.sync(spec).inserted == 1
    assert copies == []
    in_sqlite.sync(spec, Scope(mode="reconcile"))
    assert len(copies) == 1
