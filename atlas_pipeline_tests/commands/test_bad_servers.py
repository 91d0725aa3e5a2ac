"""Servers that refuse or cannot: credentials, permissions, room. Exit code 2, a clear error, nothing changed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.common import SERVER_SELECTION_TIMEOUT
from pymongo.errors import PyMongoError

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import TargetUnavailableError
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.load.target import Target
from atlas_pipeline.local import mongod
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.orchestration.execution import preflight
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.in_process import run
from atlas_pipeline_tests.commands.own_servers import SmallDisk, answers, server_with_password, why_no_disk
from atlas_pipeline_tests.conftest import TEST_COMMANDS
from atlas_pipeline_tests.load.faults import held_operations
from atlas_pipeline_tests.load.small import digest
from atlas_pipeline_tests.loading import load
from atlas_pipeline_tests.needs import AS_ROOT, need
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]
PASSWORD = "pass-word-that-nobody-may-see"
CATALOG = INFRASTRUCTURE_ATLAS
CHAT_MESSAGES = CATALOG.table("chat_messages")
ROLES = {
    "nobody": [],
    "reader": [{"role": "read", "db": "atlas"}],
    "loader": [{"role": role, "db": db} for role in ("readWrite", "dbAdmin") for db in ("atlas", "atlas_pipeline")],
}
DISK_MEGABYTES = 480  # an empty server takes some 320


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a server that asks for a password and knows the users of ROLES."""
    with server_with_password(tmp_path_factory.mktemp("guarded"), "root", PASSWORD) as address:
        with Client(f"mongodb://root:{PASSWORD}@{address}/?directConnection=true") as client:
            for user, roles in ROLES.items():
                client.admin.command("createUser", user, pwd=PASSWORD, roles=roles)
        yield address


def _sync(address: str, user: str, password: str, sample: Path, state: Path) -> cli.Said:
    uri = f"mongodb://{user}:{password}@{address}/?directConnection=true"
    env = {"MONGODB_URI": uri, "ATLAS_DB_URL": f"sqlite:///{sample}", "ATLAS_STATE_DIR": state}
    return run("sync", "--table", "foreman_configs", env=env)


def _databases(address: str) -> set[str]:
    with Client(f"mongodb://root:{PASSWORD}@{address}/?directConnection=true") as client:
        return set(client.list_database_names()) - {"admin", "config", "local"}


def test_wrong_credentials_are_refused_without_being_shown(guarded: str, sample: Path, tmp_path: Path) -> None:
    said = _sync(guarded, "loader", f"{PASSWORD}-wrong", sample, tmp_path)
    assert said.code == 2, said
    assert "refuses the credentials" in said.err
    assert guarded in said.err
    assert "authSource" in said.err
    assert PASSWORD not in said.text
    assert "Traceback" not in said.text
    assert _databases(guarded) == set()


@pytest.mark.parametrize("user", ["nobody", "reader"])
def test_a_user_without_the_roles_is_told_which_are_needed(
    guarded: str, sample: Path, tmp_path: Path, user: str
) -> None:
    said = _sync(guarded, user, PASSWORD, sample, tmp_path)
    assert said.code == 2, said
    assert "does not let this user" in said.err
    assert "grant readWrite and dbAdmin on the target database and on its _pipeline database" in said.err
    assert PASSWORD not in said.text
    assert "Traceback" not in said.text
    assert _databases(guarded) == set()


def test_a_user_with_just_those_roles_can_load_a_table(guarded: str, sample: Path) -> None:
    with SqliteSource(f"sqlite:///{sample}", variable="", copies=sample.parent).snapshot() as snapshot:
        rows = snapshot.count(CHAT_MESSAGES)
        uri = f"mongodb://loader:{PASSWORD}@{guarded}/?directConnection=true"
        for _ in range(2):
            assert _load(uri, snapshot) == rows
    assert _databases(guarded) == {"atlas", "atlas_pipeline"}


def _load(uri: str, snapshot: Snapshot) -> int:
    """Load and publish a table in this process, after all questions that a command asks beforehand."""
    with Target(uri) as target:
        preflight(target=target, catalog=CATALOG, tables=[CHAT_MESSAGES], snapshot=snapshot, force=False)
        return load(CHAT_MESSAGES, snapshot, target=target, catalog=CATALOG).loaded


def test_an_unreachable_server_is_given_up_within_the_timeout() -> None:
    address = mongod.address(mongod.free_port())
    settings = Settings(MONGODB_URI=f"mongodb://operator:{PASSWORD}@{address}/")
    assert settings.mongodb_timeout_ms == 5_000
    quick = settings.model_copy(update={"mongodb_timeout_ms": 1_000})
    began = time.monotonic()
    with pytest.raises(TargetUnavailableError, match=rf"{address} within 1000 ms") as error, mongodb(quick):
        pass
    assert time.monotonic() - began < SERVER_SELECTION_TIMEOUT  # which is the driver's own
    assert PASSWORD not in str(error.value)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of its own for a server."""
    place = tmp_path / "disk"
    place.mkdir()
    reason = why_no_disk(place)
    need(not reason, reason, AS_ROOT)
    with SmallDisk(place, DISK_MEGABYTES) as made:
        yield made


def test_a_disk_that_is_too_small_or_becomes_full_stops_the_sync_and_nothing_is_lost(
    disk: SmallDisk, sample: Path, tmp_path: Path
) -> None:
    own = Settings(ATLAS_STATE_DIR=disk.place / "state", ATLAS_MONGOD_CACHE_GB=0.25)
    command = ("sync", "--table", "chat_messages", "--mode", "reload")
    with mongodb(own, extra_args=TEST_COMMANDS) as server, Client(server.uri) as client:
        env = {
            "ATLAS_DB_URL": f"sqlite:///{sample}",
            "ATLAS_STATE_DIR": tmp_path / "state",
            "MONGODB_URI": server.uri,
            "ATLAS_MONGODB_TIMEOUT_MS": "1000",
        }
        with SqliteSource(f"sqlite:///{sample}", variable="", copies=tmp_path).snapshot() as snapshot:
            assert _load(server.uri, snapshot) > 0
        before = digest(client["atlas"], "chat_messages")
        runs = client["atlas_pipeline"]["runs"].count_documents({})

        disk.fill(leave_bytes=sample.stat().st_size)
        too_small = run(*command, env=env)
        assert too_small.code == 2, too_small
        assert "A reload of atlas.chat_messages needs up to" in too_small.err
        assert "make room" in too_small.err
        assert digest(client["atlas"], "chat_messages") == before
        assert client["atlas_pipeline"]["runs"].count_documents({}) == runs

        disk.make_room()
        hold_before_the_swap(client)
        with cli.started(*command, env=env) as process:
            wait_until(lambda: held_operations(client, "renameCollection"), "a run before its swap")
            disk.fill()
            with pytest.raises(PyMongoError):
                client.admin.command("fsync")  # what was loaded is to be on the disk now, and the server ends for it
            full = cli.ended(process)
    assert full.code == 2, full
    assert "MongoDB at 127.0.0.1:" in full.err
    assert "full disk ends a server" in full.err
    assert "Traceback" not in full.text
    assert not answers(server.uri)

    disk.make_room()
    with mongodb(own) as server, Client(server.uri) as client:
        assert digest(client["atlas"], "chat_messages") == before


def hold_before_the_swap(client: Client) -> None:
    """Let the pipeline wait before its swap for as long as the server lives."""
    data = {"failCommands": ["renameCollection"], "blockConnection": True, "blockTimeMS": 600_000}
    client.admin.command({"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data})
