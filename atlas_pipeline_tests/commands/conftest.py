"""Sources and servers for the tests of the command line."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.local.sample.bad_rows import BadRow
from atlas_pipeline.local.sample.generate import DirtyFacts, write_dirty_sample, write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer, mongodb
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.in_process import Tool, run
from atlas_pipeline_tests.conftest import TEST_COMMANDS

SMALL = SampleSize.default().scaled(0.01)
AGAIN = ("users", "global_api_keys", "chat_messages")
"""Tables that are synced twice: one that is repaired, one with a row without a key, one with faults of every kind."""
TARGETS = ("atlas", "atlas_pipeline", "olorin", "olorin_pipeline")


@pytest.fixture(scope="package")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean source with a few hundred rows. Tests that change it work on a copy."""
    path = tmp_path_factory.mktemp("sample") / "sample.sqlite3"
    write_sample(path, size=SMALL)
    return path


@pytest.fixture(scope="module")
def empty_target(mongo_server: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    """The session's server without anything of the catalogs; what the module leaves there is removed."""
    with MongoClient[dict[str, Any]](mongo_server.uri, tz_aware=True) as client:
        for database in TARGETS:
            client.drop_database(database)
        yield client
        for database in TARGETS:
            client.drop_database(database)


@dataclass(frozen=True, kw_only=True)
class Dirty:
    """A dirty source that was synced, repaired in one row, and synced again in part, on a server of its own.

    Attributes:
        state: The state folder, with the server's log in it.
        facts: What the source holds.
        client: A client of the server.
        repaired: The row that was repaired before the second run.
        first: What the run of all tables said, with `--json`.
        second: What the run of AGAIN said.
        quarantine: The quarantine after the first run.
    """

    state: Path
    facts: DirtyFacts
    client: MongoClient[dict[str, Any]]
    repaired: BadRow
    first: cli.Said
    second: cli.Said
    quarantine: tuple[dict[str, Any], ...]

    @property
    def env(self) -> cli.Environment:
        return {"ATLAS_STATE_DIR": self.state, "ATLAS_DB_URL": f"sqlite:///{self.state / 'samples' / 'dirty.sqlite3'}"}


@pytest.fixture(scope="package")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dirty]:
    """Two runs over a dirty source. They take their server from the state folder, as on an operator's machine."""
    state = tmp_path_factory.mktemp("dirty")
    path = state / "samples" / "dirty.sqlite3"
    facts = write_dirty_sample(path, size=SMALL)
    env = {"ATLAS_STATE_DIR": state, "ATLAS_DB_URL": f"sqlite:///{path}"}
    repaired = next(bad for bad in facts.bad_rows if (bad.table, bad.code) == ("users", "not_date"))
    with (
        mongodb(Settings(ATLAS_STATE_DIR=state), extra_args=TEST_COMMANDS) as server,
        MongoClient[dict[str, Any]](server.uri, tz_aware=True) as client,
    ):
        first = run("sync", "--json", env=env)
        quarantine = tuple(client["atlas_pipeline"]["quarantine"].find())
        with closing(sqlite3.connect(path)) as source, source:
            good = "2025-05-01 10:00:00.000000"
            source.execute(f"UPDATE users SET {repaired.column} = ? WHERE id = ?", [good, repaired.key])
        second = run("sync", *(word for table in AGAIN for word in ("--table", table)), env=env)
        yield Dirty(
            state=state,
            facts=facts,
            client=client,
            repaired=repaired,
            first=first,
            second=second,
            quarantine=quarantine,
        )


@pytest.fixture
def tool(
    sample: Path, mongo_server: MongoServer, empty_target: MongoClient[dict[str, Any]], tmp_path: Path
) -> Iterator[Tool]:
    """The tool on a copy of the sample, and a target in which there is nothing of it."""
    source = tmp_path / "source.sqlite3"
    shutil.copy(sample, source)
    environment = {
        "ATLAS_STATE_DIR": str(tmp_path / "state"),
        "ATLAS_DB_URL": f"sqlite:///{source}",
        "MONGODB_URI": mongo_server.uri,
        "COLUMNS": "200",
    }
    yield Tool(source=source, uri=mongo_server.uri, client=empty_target, environment=environment)
    for database in ("atlas", "atlas_pipeline"):
        empty_target.drop_database(database)
