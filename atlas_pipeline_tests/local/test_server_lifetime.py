"""When an embedded MongoDB ends, and that there is never a second one on the same data."""

from __future__ import annotations

import json
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.local.files import ServerFiles
from atlas_pipeline.local.servers import ServerStatus, mongodb, start, status, stop
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.local.owner import Owner, is_running, mongods, owner
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """Settings of an embedded MongoDB that only this test has; PostgreSQL is said to be elsewhere."""
    elsewhere = "postgresql+psycopg://somebody@127.0.0.1:1/somewhere"
    return Settings(ATLAS_STATE_DIR=tmp_path / "state", DATABASE_URL=elsewhere)


def _status(settings: Settings) -> ServerStatus:
    (found,) = (one for one in status(settings) if one.name == "MongoDB")
    return found


def _ended_cleanly(settings: Settings) -> bool:
    """A mongod that was not killed empties its lock file as its last act."""
    return (settings.state / "mongodb" / "mongod.lock").read_text(encoding="utf-8") == ""


def _supervisor(settings: Settings) -> int:
    record = ServerFiles(settings.state).last_supervision()
    assert record is not None
    return record.supervisor


ENDINGS = {"by itself": None, "Ctrl-C": signal.SIGINT, "kill -9": signal.SIGKILL}


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Settings, Owner]]]:
    """One owner with its own server for each ending, started together because a start is mostly waiting."""
    with ExitStack() as stack:
        made = {}
        for ending in ENDINGS:
            own = Settings(ATLAS_STATE_DIR=tmp_path_factory.mktemp("owner"))
            made[ending] = own, stack.enter_context(owner(own.state))
        yield made


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_server_ends_with_its_owner(owners: dict[str, tuple[Settings, Owner]], ending: str) -> None:
    own, process = owners[ending]
    server = process.server()
    assert (server["origin"], mongods(own.state)) == ("started", [server["pid"]])
    last_words = process.end(ENDINGS[ending])
    assert last_words == ("true\n" if ending == "Ctrl-C" else "")  # the server was still there after Ctrl-C
    wait_until(lambda: not is_running(server["pid"]), "the end of mongod")
    wait_until(lambda: json.loads((own.state / "servers.json").read_text(encoding="utf-8")) == {}, "no address left")
    assert _ended_cleanly(own)


def test_an_owner_that_is_killed_before_its_server_is_ready_leaves_none_behind(own: Settings) -> None:
    with owner(own.state) as process:
        wait_until(lambda: bool(mongods(own.state)), "a mongod that starts")
        process.end(signal.SIGKILL)
    assert not (own.state / "servers.json").exists()
    wait_until(lambda: not mongods(own.state), "the end of mongod")


def test_a_start_right_after_a_kill_gets_the_only_server(own: Settings) -> None:
    with owner(own.state) as process:
        process.server()
        process.end(signal.SIGKILL)
    with mongodb(own) as server, Client(server.uri) as client:
        client.test.things.insert_one({"_id": 1})
        assert mongods(own.state) == [server.pid]


def test_two_starters_at_once_share_one_server_and_the_last_user_ends_it(own: Settings) -> None:
    with owner(own.state) as one, owner(own.state) as other:
        servers = {process: process.server() for process in (one, other)}
        assert sorted(server["origin"] for server in servers.values()) == ["running", "started"]
        assert len({server["pid"] for server in servers.values()}) == 1
        starter, attached = sorted((one, other), key=lambda process: servers[process]["origin"] == "running")
        starter.end()
        with Client(servers[attached]["uri"]) as client:
            assert client.test.things.insert_one({"_id": 1}).acknowledged
        attached.end()
        wait_until(lambda: not is_running(servers[attached]["pid"]), "the end of mongod")


def test_a_stale_server_is_recognised_and_not_doubled(own: Settings) -> None:
    with mongodb(own) as first:
        os.kill(_supervisor(own), signal.SIGKILL)
        wait_until(lambda: not ServerFiles(own.state).is_supervised(), "the end of the supervisor")
        assert _status(own).state == "running"
        with mongodb(own) as second:
            assert (second.origin, second.pid, second.uri) == ("running", first.pid, first.uri)
            assert mongods(own.state) == [first.pid]
    wait_until(lambda: not mongods(own.state), "the end of mongod")
    assert _ended_cleanly(own)


def test_stop_ends_a_stale_server(own: Settings) -> None:
    (server,) = start(own)
    assert server.pid is not None
    os.kill(_supervisor(own), signal.SIGKILL)
    wait_until(lambda: not ServerFiles(own.state).is_supervised(), "the end of the supervisor")
    assert mongods(own.state) == [server.pid]
    assert stop(own)
    wait_until(lambda: not mongods(own.state), "the end of mongod")
    assert _ended_cleanly(own)


def test_a_started_server_stays_until_it_is_stopped(own: Settings) -> None:
    assert _status(own).state == "stopped"
    assert not stop(own)
    with owner(own.state) as process:
        server = process.server()
        (kept,) = start(own)
        assert (kept.origin, kept.pid) == ("running", server["pid"])
        process.end()
    with mongodb(own) as attached:
        assert (attached.origin, attached.pid) == ("running", kept.pid)
    found = _status(own)
    assert (found.state, found.address, found.pid) == ("running", kept.address, kept.pid)
    assert (found.version, found.origin, found.data_folder) == (kept.version, "embedded", own.state / "mongodb")
    assert stop(own)
    assert mongods(own.state) == []
    assert not stop(own)
    assert _status(own).state == "stopped"


def test_a_kept_server_does_not_outlive_its_state_folder(own: Settings) -> None:
    assert [server.origin for server in start(own)] == ["started"]

    def removed() -> bool:
        shutil.rmtree(own.state, ignore_errors=True)  # mongod still writes into it
        return not own.state.exists()

    wait_until(removed, "the end of the state folder")
    wait_until(lambda: not mongods(own.state), "the end of mongod")
