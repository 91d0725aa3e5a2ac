"""When an embedded PostgreSQL ends, and that there is never a second one on the same data."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.files import POSTGRESQL, ServerFiles
from atlas_pipeline.local.locks import is_held
from atlas_pipeline.local.servers import ServerStatus, postgresql, start, status, stop
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.local.owner import Owner, connect, is_running, mongods, owner, postgreses
from atlas_pipeline_tests.postgres import home_removed
from atlas_pipeline_tests.waiting import wait_until


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Settings]:
    """Settings of embedded servers that only this test has."""
    with home_removed(tmp_path / "state"):
        yield Settings(ATLAS_STATE_DIR=tmp_path / "state")


def _files(settings: Settings) -> ServerFiles:
    return ServerFiles(settings.state, POSTGRESQL)


def _status(settings: Settings) -> ServerStatus:
    (found,) = (one for one in status(settings) if one.name == "PostgreSQL")
    return found


def _ended_cleanly(settings: Settings) -> bool:
    """A server that was not killed removes the file with its process id as its last act."""
    return not _files(settings).pid_file.exists()


def _is_in_the_making(files: ServerFiles) -> bool:
    return (files.home / "data.new" / "base").exists()


def _kill_supervisor(settings: Settings) -> None:
    record = _files(settings).last_supervision()
    assert record is not None
    os.kill(record.supervisor, signal.SIGKILL)
    wait_until(lambda: not _files(settings).is_supervised(), "the end of the supervisor")


ENDINGS = {"by itself": None, "Ctrl-C": signal.SIGINT, "kill -9": signal.SIGKILL}


@pytest.fixture(scope="module")
def owners(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Settings, Owner]]]:
    """One owner with its own server for each ending, started together because a start is mostly waiting."""
    with ExitStack() as stack:
        made = {}
        for ending in ENDINGS:
            own = Settings(ATLAS_STATE_DIR=tmp_path_factory.mktemp("owner"))
            stack.enter_context(home_removed(own.state))
            made[ending] = own, stack.enter_context(owner(own.state, POSTGRESQL))
        yield made


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_server_ends_with_its_owner(owners: dict[str, tuple[Settings, Owner]], ending: str) -> None:
    own, process = owners[ending]
    server = process.server()
    assert (server["origin"], postgreses(own.state)) == ("started", [server["pid"]])
    last_words = process.end(ENDINGS[ending])
    assert last_words == ("true\n" if ending == "Ctrl-C" else "")  # the server was still there after Ctrl-C
    wait_until(lambda: not is_running(server["pid"]), "the end of PostgreSQL")
    wait_until(lambda: json.loads((own.state / "servers.json").read_text(encoding="utf-8")) == {}, "no address left")
    assert _ended_cleanly(own)


def test_a_start_after_a_kill_in_the_middle_of_the_first_one_waits_for_initdb_and_begins_anew(own: Settings) -> None:
    with owner(own.state, POSTGRESQL) as process:
        wait_until(lambda: _is_in_the_making(_files(own)), "an initdb that works")
        (initdb,) = (one for one in psutil.Process(process.process.pid).children() if one.name() == "initdb")
        initdb.suspend()
        process.process.kill()
        process.process.wait()
        held = is_held(_files(own).data_lock)
        initdb.resume()
        assert held  # by initdb, which goes on alone
    assert not _files(own).data.exists()
    with postgresql(own) as server, connect(server.url("postgres")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert postgreses(own.state) == [server.pid]
        assert not is_running(initdb.pid)


def test_two_starters_at_once_share_one_server_and_the_last_user_ends_it(stopped: Settings) -> None:
    with owner(stopped.state, POSTGRESQL) as one, owner(stopped.state, POSTGRESQL) as other:
        servers = {process: process.server() for process in (one, other)}
        assert sorted(server["origin"] for server in servers.values()) == ["running", "started"]
        assert len({(server["pid"], server["uri"]) for server in servers.values()}) == 1
        starter, attached = sorted((one, other), key=lambda process: servers[process]["origin"] == "running")
        starter.end()
        with connect(servers[attached]["uri"]) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        attached.end(signal.SIGKILL)
        wait_until(lambda: not is_running(servers[attached]["pid"]), "the end of PostgreSQL")
    assert _ended_cleanly(stopped)


def test_a_stale_server_is_recognised_and_not_doubled(stopped: Settings) -> None:
    with postgresql(stopped) as first:
        _kill_supervisor(stopped)
        assert (_status(stopped).state, _status(stopped).pid) == ("running", first.pid)
        with postgresql(stopped) as second:
            assert (second.origin, second.pid, second.address) == ("running", first.pid, first.address)
            assert postgreses(stopped.state) == [first.pid]
    wait_until(lambda: not postgreses(stopped.state), "the end of PostgreSQL")
    assert _ended_cleanly(stopped)


def test_a_restart_after_a_kill_waits_for_what_is_left_of_the_server_and_keeps_the_rows(stopped: Settings) -> None:
    with postgresql(stopped) as first:
        with connect(first.url("postgres")) as connection:
            connection.execute("CREATE TABLE survives AS SELECT 1 AS id")
        busy = connect(first.url("postgres"))
        working = threading.Thread(target=_work_for, args=(busy, 1.0))
        working.start()
        wait_until(lambda: busy.info.transaction_status == psycopg.pq.TransactionStatus.ACTIVE, "work")
        os.kill(first.pid, signal.SIGKILL)
        wait_until(lambda: not is_running(first.pid), "the end of the first process")
        assert is_running(busy.info.backend_pid)
        with postgresql(stopped) as second, connect(second.url("postgres")) as connection:
            assert second.origin == "started"
            assert not is_running(busy.info.backend_pid)
            assert connection.execute("SELECT id FROM survives").fetchall() == [(1,)]
        working.join()
    assert _ended_cleanly(stopped)


def _work_for(connection: psycopg.Connection[tuple[object, ...]], seconds: float) -> None:
    """Keep a process of the server busy in a way in which it does not notice that the first process is gone."""
    loop = f"""DO $$ BEGIN WHILE clock_timestamp() < statement_timestamp() + interval '{seconds} s'
               LOOP END LOOP; END $$"""
    with suppress(psycopg.OperationalError):  # nobody is left to hear of the end
        connection.execute(loop)


def test_both_embedded_servers_stay_until_they_are_stopped_also_stale_ones(stopped: Settings) -> None:
    assert [one.state for one in status(stopped)] == ["stopped", "stopped"]
    assert stop(stopped) == []
    started = start(stopped)
    assert [(server.name, server.origin) for server in started] == [("MongoDB", "started"), ("PostgreSQL", "started")]
    with postgresql(stopped) as attached:
        assert (attached.origin, attached.pid) == ("running", started[1].pid)
    entries = json.loads((stopped.state / "servers.json").read_text(encoding="utf-8"))
    assert {key: entry["pid"] for key, entry in entries.items()} == {
        "mongodb": started[0].pid,
        "postgresql": started[1].pid,
    }
    for found, server in zip(status(stopped), started, strict=True):
        assert (found.name, found.state, found.origin) == (server.name, "running", "embedded")
        assert (found.address, found.pid, found.version) == (server.address, server.pid, server.version)
    assert _status(stopped).data_folder == _files(stopped).data
    _kill_supervisor(stopped)
    assert postgreses(stopped.state) == [started[1].pid]
    assert stop(stopped) == ["MongoDB", "PostgreSQL"]
    assert (mongods(stopped.state), postgreses(stopped.state)) == ([], [])
    assert _ended_cleanly(stopped)
    assert stop(stopped) == []


def test_a_server_that_cannot_be_stopped_does_not_keep_the_other_one_running(stopped: Settings) -> None:
    started = start(stopped)
    assert len(started) == 2
    mongo = ServerFiles(stopped.state)
    mongo.start_lock.unlink()
    mongo.start_lock.mkdir()  # nobody can lock it
    try:
        with pytest.raises(Exception, match="cannot be used"):
            stop(stopped)
        assert postgreses(stopped.state) == []
    finally:
        mongo.start_lock.rmdir()
        assert stop(stopped) == ["MongoDB"]


def test_start_leaves_out_what_is_configured(stopped: Settings) -> None:
    configured = Settings(ATLAS_STATE_DIR=stopped.state, MONGODB_URI="mongodb://127.0.0.1:1")
    try:
        assert [server.name for server in start(configured)] == ["PostgreSQL"]
        assert mongods(stopped.state) == []
    finally:
        assert stop(stopped) == ["PostgreSQL"]


def test_another_server_on_the_data_folder_is_named_and_left_alone(stopped: Settings) -> None:
    with postgresql(stopped) as server:
        lock = _files(stopped).data_lock
        lock.rename(lock.with_suffix(".moved"))  # as if it were another's: nothing says that it is ours
        _kill_supervisor(stopped)
        with pytest.raises(ServerUnavailableError, match=rf"lock file .*PID {server.pid}\b"), postgresql(stopped):
            pytest.fail("the folder is taken")
        assert postgreses(stopped.state) == [server.pid]
        lock.with_suffix(".moved").rename(lock)
    assert stop(stopped) == ["PostgreSQL"]
