"""The embedded MongoDB as a server: what it can do, where its files are, what a restart keeps."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.local import mongod
from atlas_pipeline.local.binaries import find_mongod
from atlas_pipeline.local.servers import MongoServer, mongodb
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.conftest import TEST_COMMANDS
from atlas_pipeline_tests.local.owner import mongods
from atlas_pipeline_tests.waiting import wait_until

Client = MongoClient[dict[str, Any]]


@pytest.fixture
def own(tmp_path: Path) -> Settings:
    """Settings of an embedded server that only this test has."""
    return Settings(ATLAS_STATE_DIR=tmp_path / "state")


@contextmanager
def _taken_port(address: str = "127.0.0.1:0") -> Iterator[int]:
    """A port on which another program listens; it hangs up on every caller."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_until(lambda: _binds(listener, int(address.partition(":")[2])), f"{address} is free")
        listener.listen()
        threading.Thread(target=_hang_up, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def _binds(listener: socket.socket, port: int) -> bool:
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def _hang_up(listener: socket.socket) -> None:
    with suppress(OSError):  # the listener ends
        while True:
            listener.accept()[0].close()


def test_transactions_commit_and_abort(mongo_client: Client) -> None:
    collection = mongo_client.embedded_test.transactions
    collection.drop()
    with mongo_client.start_session() as session:
        with session.start_transaction():
            collection.insert_one({"_id": "kept"}, session=session)
        session.start_transaction()
        collection.insert_one({"_id": "undone"}, session=session)
        session.abort_transaction()
    assert [document["_id"] for document in collection.find()] == ["kept"]
    collection.drop()


def test_a_change_stream_reports_an_insert(mongo_client: Client) -> None:
    collection = mongo_client.embedded_test.changes
    with collection.watch(max_await_time_ms=10_000) as changes:
        collection.insert_one({"_id": 7})
        assert next(changes)["documentKey"] == {"_id": 7}
    collection.drop()


def test_a_write_survives_a_dropped_connection(mongo_client: Client) -> None:
    collection = mongo_client.embedded_test.retried
    collection.drop()
    fault = {"failCommands": ["insert"], "closeConnection": True}
    mongo_client.admin.command({"configureFailPoint": "failCommand", "mode": {"times": 1}, "data": fault})
    collection.insert_one({"_id": 1})
    assert collection.count_documents({}) == 1
    collection.drop()


def test_the_cache_is_bounded_by_the_setting(mongo_client: Client, tmp_path: Path) -> None:
    cache = mongo_client.admin.command("serverStatus")["wiredTiger"]["cache"]
    assert cache["maximum bytes configured"] == Settings(ATLAS_STATE_DIR=tmp_path).mongod_cache_gb * 2**30


def test_it_listens_on_the_loopback_only_and_makes_no_socket_file(mongo_server: MongoServer) -> None:
    port = mongo_server.address.partition(":")[2]
    assert not Path(f"/tmp/mongodb-{port}.sock").exists()
    with socket.socket() as elsewhere:
        elsewhere.settimeout(5)
        assert elsewhere.connect_ex(("127.0.0.2", int(port))) != 0


def test_values_of_slow_operations_stay_out_of_the_log(
    mongo_client: Client, tmp_path_factory: pytest.TempPathFactory
) -> None:
    argv = mongo_client.admin.command("getCmdLineOpts")["argv"]
    log = Path(argv[argv.index("--dbpath") + 1]).with_suffix(".log")
    collection = mongo_client.embedded_test.slow
    collection.insert_one({"_id": 1})
    slow = {"$where": "sleep(150) || true", "marker": {"$ne": "s3cret-marker"}}
    assert len(list(collection.find(slow))) == 1
    collection.drop()
    assert "Waiting for connections" in log.read_text(encoding="utf-8")
    assert "s3cret-marker" not in log.read_text(encoding="utf-8")


def test_its_files_are_private_and_its_address_is_published(own: Settings) -> None:
    with mongodb(own) as server:
        registry = own.state / "servers.json"
        entry = json.loads(registry.read_text(encoding="utf-8"))["mongodb"]
        assert (entry["uri"], entry["address"], entry["pid"]) == (server.uri, server.address, server.pid)
        modes = {path.name: path.stat().st_mode & 0o777 for path in own.state.iterdir()}
        assert modes == {"servers.json": 0o600, "mongodb": 0o700, "run": 0o700, "mongodb.log": 0o600}
        with pytest.raises(ConfigurationError, match="enableTestCommands=1"), mongodb(own, extra_args=TEST_COMMANDS):
            pytest.fail("it was started without them")
    assert json.loads(registry.read_text(encoding="utf-8")) == {}
    assert mongods(own.state) == []


def test_a_restart_after_a_kill_keeps_the_documents_though_the_port_changed(own: Settings) -> None:
    with mongodb(own) as first:
        with Client(first.uri) as client:
            client.test.kept.insert_one({"_id": 1})
        assert first.pid is not None
        psutil.Process(first.pid).kill()
        with _taken_port(first.address), mongodb(own) as second, Client(second.uri, w="majority") as client:
            assert second.origin == "started"
            assert second.address != first.address
            assert list(client.test.kept.find()) == [{"_id": 1}]
            with client.start_session() as session, session.start_transaction():
                client.test.kept.insert_one({"_id": 2}, session=session)


def test_a_port_that_another_takes_meanwhile_is_replaced(own: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    free_port = mongod.free_port
    with _taken_port() as taken:
        ports = [taken]
        monkeypatch.setattr(mongod, "free_port", lambda preferred: ports.pop() if ports else free_port(preferred))
        with mongodb(own) as server, Client(server.uri) as client:
            assert ports == []
            assert server.address != f"127.0.0.1:{taken}"
            assert client.admin.command("hello")["isWritablePrimary"]


def test_a_server_that_ends_at_its_start_says_why(own: Settings) -> None:
    expected = pytest.raises(ServerUnavailableError, match=r"exit code \d+\).*nonsense")
    with expected as caught, mongodb(own, extra_args=["--setParameter", "nonsense=1"]):
        pytest.fail("there is no such parameter")
    assert str(own.state / "mongodb") in str(caught.value)


def test_another_program_on_the_data_folder_is_named_and_left_alone(own: Settings) -> None:
    data = own.state / "mongodb"
    data.mkdir(parents=True)
    line = [str(find_mongod().path), "--port", str(mongod.free_port()), "--nounixsocket", "--bind_ip", "127.0.0.1"]
    stranger = subprocess.Popen([*line, "--dbpath", str(data)], stdout=subprocess.DEVNULL)
    try:
        wait_until(lambda: (data / "mongod.lock").exists() and (data / "mongod.lock").read_text() != "", "its lock")
        with pytest.raises(ServerUnavailableError, match=f"Process {stranger.pid} works on"), mongodb(own):
            pytest.fail("the folder is taken")
        assert stranger.poll() is None
    finally:
        stranger.terminate()
        stranger.wait()


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(ATLAS_STATE_DIR=tmp_path / "file" / "state")
    with pytest.raises(ConfigurationError, match="ATLAS_STATE_DIR"), mongodb(settings):
        pytest.fail("a file is no folder")
