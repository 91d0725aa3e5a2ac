"""Our sessions on a PostgreSQL server: how they are set, that they never idle for long, and that none is left."""

from __future__ import annotations

import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.postgres_session import IDLE_SECONDS
from atlas_pipeline_tests.extract import hold_snapshot
from atlas_pipeline_tests.extract.postgres_databases import all_rows, asked, run, sessions, source_of, wait_for_use
from atlas_pipeline_tests.extract.source_files import ITEMS, ITEMS_DDL
from atlas_pipeline_tests.waiting import wait_until

ROWS = 5_000
FILL = f"INSERT INTO items SELECT 'item-' || lpad(i::text, 5, '0'), i, 'n' FROM generate_series(1, {ROWS}) i"
BROKEN = replace(ITEMS, source="broken", collection="broken")


def test_a_session_is_set_for_reading_one_moment_only(emptied_database: str) -> None:
    wanted = {
        "application_name": "atlas-pipeline run 7",
        "transaction_isolation": "repeatable read",
        "transaction_read_only": "on",
        "statement_timeout": "7s",
        "lock_timeout": "3500ms",
        "client_connection_check_interval": "2s",
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "1",
        "row_security": "off",
        "client_encoding": "UTF8",
        "idle_in_transaction_session_timeout": "0",
    }
    source = source_of(emptied_database, timeout_seconds=3.5, statement_seconds=7)
    with source.snapshot(label="run 7") as snapshot:
        found = dict(snapshot._session.all("SELECT name, current_setting(name) FROM pg_settings", {}))
        assert {name: found[name] for name in wanted} == wanted
        assert len(sessions(emptied_database, "atlas-pipeline run 7")) == 1
    wait_until(lambda: sessions(emptied_database, "atlas-pipeline run 7") == [], "the end of the session")


def test_a_session_without_a_label_has_the_name_of_the_project(emptied_database: str) -> None:
    with source_of(emptied_database).snapshot():
        assert ("atlas-pipeline",) in asked(
            emptied_database, "SELECT application_name FROM pg_stat_activity WHERE datname = current_database()"
        )


def test_a_snapshot_that_is_held_does_not_idle_in_its_transaction(emptied_database: str) -> None:
    run(emptied_database, ITEMS_DDL, FILL)
    assert IDLE_SECONDS < 1  # what other tools take for forgotten
    with source_of(emptied_database).snapshot(label="held") as snapshot:
        wait_for_use(emptied_database, "atlas-pipeline held", times=3)  # as long as the target builds indexes
        batches = snapshot.batches(ITEMS)
        read = []
        for batch in batches:
            read += batch
            wait_for_use(emptied_database, "atlas-pipeline held", times=1)  # a slow consumer
        assert len(read) == ROWS == len({row[0] for row in read})
        assert snapshot.count(ITEMS) == ROWS


def test_a_session_stays_usable_and_busy_after_a_refused_statement(emptied_database: str) -> None:
    run(
        emptied_database,
        ITEMS_DDL,
        FILL,
        "CREATE VIEW broken AS SELECT id, amount / 0 AS amount, note FROM items",
    )
    with source_of(emptied_database).snapshot(label="refused") as snapshot:
        with pytest.raises(SourceError, match="Table broken cannot be read: DivisionByZero"):
            all_rows(snapshot, BROKEN)
        wait_for_use(emptied_database, "atlas-pipeline refused", times=2)
        assert len(all_rows(snapshot, ITEMS)) == ROWS


def test_a_snapshot_stays_of_one_moment_after_a_refused_statement(emptied_database: str) -> None:
    run(emptied_database, ITEMS_DDL, FILL, "CREATE VIEW broken AS SELECT id, amount / 0 AS amount, note FROM items")
    with source_of(emptied_database).snapshot() as snapshot:
        run(emptied_database, "DELETE FROM items WHERE amount > 10")
        with pytest.raises(SourceError):
            all_rows(snapshot, BROKEN)
        assert snapshot.count(ITEMS) == ROWS


def test_a_session_that_was_ended_while_it_was_held_is_an_error_at_the_next_use(
    emptied_database: str, capfd: pytest.CaptureFixture[str]
) -> None:
    run(emptied_database, ITEMS_DDL)
    with source_of(emptied_database).snapshot(label="ended") as snapshot:
        keeper = next(one for one in threading.enumerate() if one.name == "atlas-postgresql-keeper")
        asked(
            emptied_database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            ["atlas-pipeline ended"],
        )
        wait_until(lambda: not keeper.is_alive(), "the end of the keeper")
        with pytest.raises(SourceError, match="went away"):
            snapshot.count(ITEMS)
    assert "Traceback" not in capfd.readouterr().err


def test_two_threads_may_use_a_snapshot_in_turn(emptied_database: str) -> None:
    run(emptied_database, ITEMS_DDL, FILL)
    with source_of(emptied_database).snapshot() as snapshot:
        counted: list[int] = []
        thread = threading.Thread(target=lambda: counted.extend(snapshot.count(ITEMS) for _ in range(200)))
        thread.start()
        both = zip(snapshot.batches(ITEMS), snapshot.batches(ITEMS), strict=True)
        assert sum(len(one) for one, other in both if one == other) == ROWS
        thread.join()
        assert counted == [ROWS] * 200
    assert not [one for one in threading.enumerate() if one.name == "atlas-postgresql-keeper"]


@pytest.mark.parametrize("what", ["pause", "sort"])
def test_no_session_is_left_after_a_kill(emptied_database: str, what: str) -> None:
    run(
        emptied_database,
        "CREATE VIEW long AS SELECT (random() * 1e9)::int AS id FROM generate_series(1, 2000000000)",
    )
    name = f"atlas-pipeline {what}"
    line = [sys.executable, "-m", hold_snapshot.__name__, emptied_database, what, what]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            if what == "sort":
                wait_until(lambda: sessions(emptied_database, name) == ["active"], "a sort")
            assert len(sessions(emptied_database, name)) == 1
        finally:
            process.kill()
    wait_until(lambda: sessions(emptied_database, name) == [], "the end of the session")
