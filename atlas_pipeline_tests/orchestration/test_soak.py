"""The application that writes while `python -m benchmarks.soak` lets everything run: it writes what it says."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline_tests.waiting import wait_until
from benchmarks.soak import Application, rename


def contents(source: Path) -> tuple[set[str], int]:
    """Keys of the messages, and the tokens of all sessions."""
    with closing(sqlite3.connect(source)) as connection:
        keys = {key for (key,) in connection.execute("SELECT id FROM chat_messages")}
        ((tokens,),) = connection.execute("SELECT sum(total_tokens) FROM playground_sessions WHERE total_tokens < 1e9")
    return keys, tokens


def test_messages_come_and_go_and_sessions_change_as_often_as_it_says(tmp_path: Path) -> None:
    source = tmp_path / "source.sqlite3"
    write_sample(source, size=SampleSize.default().scaled(0.005))
    before, tokens_before = contents(source)
    application = Application(source, rate=1_000.0)
    application.start()
    wait_until(lambda: application.changes >= 60, "sixty changes")
    application.stop()
    after, tokens = contents(source)
    assert before < after
    come_and_gone = application.changes - (tokens - tokens_before)
    assert len(after - before) < come_and_gone < application.changes


def test_what_stops_the_application_is_raised_when_it_is_stopped(tmp_path: Path) -> None:
    source = tmp_path / "source.sqlite3"
    write_sample(source, size=SampleSize.default().scaled(0.005))
    rename(source, "username", "user_name")  # of another table: does not matter
    with closing(sqlite3.connect(source)) as connection, connection:
        connection.execute("ALTER TABLE chat_messages RENAME TO gone")
    application = Application(source, rate=1_000.0)
    application.start()
    with pytest.raises(sqlite3.OperationalError, match="chat_messages"):
        application.stop()
