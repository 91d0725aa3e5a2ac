"""The embedded PostgreSQL as a server: what it can do, who may enter, where its files are."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.local import postgres
from atlas_pipeline.local.accounts import account_for
from atlas_pipeline.local.files import POSTGRESQL, ServerFiles
from atlas_pipeline.local.ports import free_port
from atlas_pipeline.local.postgres_home import forget_lost_home, make_home
from atlas_pipeline.local.servers import PostgresServer, postgresql, status
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.local.owner import connect, postgreses
from atlas_pipeline_tests.needs import AS_ROOT, need
from atlas_pipeline_tests.postgres import home_removed

IS_ROOT = os.geteuid() == 0


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Settings]:
    """Settings of an embedded server that only this test has."""
    with home_removed(tmp_path / "state"):
        yield Settings(ATLAS_STATE_DIR=tmp_path / "state")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this machine can enter."""
    folder = Path(tempfile.mkdtemp(prefix="open-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def _facts(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Mode and owner of a folder and of all folders above it."""
    found = {path: path.stat() for path in (folder, *folder.parents)}
    return {str(path): (facts.st_mode, facts.st_uid, facts.st_gid) for path, facts in found.items()}


def _modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_it_has_what_the_pipeline_needs(postgres_database: str) -> None:
    with connect(postgres_database) as connection:
        wanted = ("server_encoding", "wal_level", "TimeZone")
        found = [connection.execute(f"SHOW {name}").fetchone() for name in wanted]
        assert found == [("UTF8",), ("logical",), ("UTC",)]
        order = connection.execute("SELECT array_agg(x ORDER BY x) FROM unnest(ARRAY['b','ä','B','a']) x").fetchone()
        assert order == (["B", "a", "b", "ä"],)  # by bytes, as MongoDB sorts
        slot = connection.execute("SELECT pg_create_logical_replication_slot('trial', 'pgoutput', true)").fetchone()
        assert slot is not None


def test_only_its_own_password_opens_it_and_it_is_not_shown(postgres_server: PostgresServer) -> None:
    address = postgres_server.url("postgres")
    for wrong in (address.replace(postgres_server.password, "wrong"), address.replace(postgres_server.password, "")):
        with pytest.raises(psycopg.OperationalError, match="password"):
            connect(wrong)
    assert postgres_server.password not in repr(postgres_server)
    assert not any(postgres_server.password in word for word in psutil.Process(postgres_server.pid).cmdline())


def test_it_listens_on_the_loopback_only_and_makes_no_socket_file(postgres_server: PostgresServer) -> None:
    listening = [
        (one.laddr.ip, one.laddr.port)
        for one in psutil.Process(postgres_server.pid).net_connections("all")
        if one.status == psutil.CONN_LISTEN or one.family == socket.AF_UNIX
    ]
    assert listening == [("127.0.0.1", postgres_server.port)]


def test_it_does_not_run_as_root(postgres_server: PostgresServer) -> None:
    uids = psutil.Process(postgres_server.pid).uids()
    assert uids.effective == uids.real == (pwd.getpwnam("nobody").pw_uid if IS_ROOT else os.geteuid())
    assert uids.effective != 0


def test_its_files_are_private_and_its_address_is_published(stopped: Settings) -> None:
    registry = stopped.state / "servers.json"
    with postgresql(stopped) as server:
        entry = json.loads(registry.read_text(encoding="utf-8"))["postgresql"]
        assert (entry["uri"], entry["address"], entry["pid"]) == (server.url("postgres"), server.address, server.pid)
        logs = {"postgresql.log": 0o600, "postgresql.log.1": 0o600}
        modes = {name: mode for name, mode in _modes(stopped.state).items() if not name.startswith("mongodb")}
        modes.pop("postgresql", None)  # its home, when it is here
        assert modes == {"servers.json": 0o600, "run": 0o700, **logs}
        home = ServerFiles(stopped.state, POSTGRESQL).home
        assert {name: mode for name, mode in _modes(home).items() if not name.startswith("programs")} == {
            "data": 0o700,
            "password": 0o600,
        }
        assert home.stat().st_mode & 0o077 == (0o011 if IS_ROOT else 0)  # nobody can list it
        missing = ["-c", "max_connections=7"]
        with (
            pytest.raises(ConfigurationError, match="without max_connections=7"),
            postgresql(stopped, extra_args=missing),
        ):
            pytest.fail("it was started without them")
    assert json.loads(registry.read_text(encoding="utf-8")) == {}
    assert postgreses(stopped.state) == []


def test_values_of_statements_that_fail_stay_out_of_the_log(stopped: Settings) -> None:
    with postgresql(stopped) as server, connect(server.url("postgres")) as connection:
        connection.execute("CREATE TEMPORARY TABLE things (id text PRIMARY KEY, n integer)")
        connection.execute("INSERT INTO things VALUES ('s3cret-marker', 1)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO things VALUES ('s3cret-marker', 1)")
        with pytest.raises(psycopg.errors.InvalidTextRepresentation):
            connection.execute("INSERT INTO things VALUES ('x', 's3cret-marker')")
        log = (stopped.state / "postgresql.log").read_text(encoding="utf-8")
    assert "ready to accept connections" in log
    assert "s3cret-marker" not in log
    assert server.password not in log


def test_a_state_folder_that_only_its_owner_can_enter_works_and_nothing_above_it_changes(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    state = closed / "state"
    state.mkdir(mode=0o750)
    before = _facts(state)
    own = Settings(ATLAS_STATE_DIR=state)
    with home_removed(state):
        with postgresql(own) as server, connect(server.url("postgres")) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 1 AS id")
            (folder,) = (one.data_folder for one in status(own) if one.name == "PostgreSQL")
            assert folder is not None
            assert folder.is_relative_to(state) == (not IS_ROOT)
        assert _facts(state) == before
        with postgresql(own) as server, connect(server.url("postgres")) as connection:
            assert connection.execute("SELECT id FROM kept").fetchall() == [(1,)]
        assert _facts(state) == before


def test_a_state_folder_that_everybody_can_enter_holds_the_data_itself(open_folder: Path) -> None:
    own = Settings(ATLAS_STATE_DIR=open_folder / "state")
    before = _facts(open_folder)
    with postgresql(own):
        assert (open_folder / "state" / "postgresql" / "data" / "PG_VERSION").exists()
        assert not ServerFiles(own.state, POSTGRESQL).home_record.exists()
    assert _facts(open_folder) == before


@pytest.mark.parametrize("fate", ["cleaned away", "not ours"])
def test_a_home_elsewhere_that_is_lost_is_replaced(own: Settings, open_folder: Path, fate: str) -> None:
    need(IS_ROOT, "Only root has a home elsewhere.", AS_ROOT)
    files = ServerFiles(own.state, POSTGRESQL)
    files.make_folders()
    lost = open_folder / "lost"
    if fate == "not ours":
        lost.mkdir()
        os.chown(lost, pwd.getpwnam("nobody").pw_uid, -1)
    files.home_record.write_text(str(lost), encoding="utf-8")
    forget_lost_home(files)
    account = account_for(files.data)
    make_home(files, account)
    assert account is not None
    assert files.home != lost
    assert account.can_enter(files.home)
    assert (files.home.stat().st_uid, files.home.stat().st_mode & 0o777) == (0, 0o711)
    forget_lost_home(files)
    make_home(files, account)
    assert files.home.exists()
    assert not lost.exists() or not list(lost.iterdir())


def test_a_port_that_another_takes_meanwhile_is_replaced(stopped: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        ports = [listener.getsockname()[1]]
        monkeypatch.setattr(postgres, "free_port", lambda preferred: ports.pop() if ports else free_port(preferred))
        with postgresql(stopped) as server, connect(server.url("postgres")):
            assert ports == []
            assert server.port != listener.getsockname()[1]


def test_a_server_that_ends_at_its_start_says_why(stopped: Settings) -> None:
    expected = pytest.raises(ServerUnavailableError, match=r"exit code 1\).*nonsense")
    with expected as caught, postgresql(stopped, extra_args=["-c", "nonsense=1"]):
        pytest.fail("there is no such parameter")
    assert str(ServerFiles(stopped.state, POSTGRESQL).data) in str(caught.value)


def test_a_state_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings(ATLAS_STATE_DIR=tmp_path / "file" / "state")
    with pytest.raises(ConfigurationError, match="ATLAS_STATE_DIR"), postgresql(settings):
        pytest.fail("a file is no folder")


def test_a_configured_database_is_looked_at_without_showing_its_password(
    stopped: Settings, postgres_server: PostgresServer
) -> None:
    def look(url: str) -> tuple[str | None, ...]:
        found = status(Settings(ATLAS_STATE_DIR=stopped.state, DATABASE_URL=url))
        assert "pa55" not in repr(found)
        assert postgres_server.password not in repr(found)
        (one,) = (one for one in found if one.origin == "environment")
        return one.name, one.state, one.address, one.version

    right = postgres_server.url("postgres")
    assert look(right) == ("PostgreSQL", "running", postgres_server.address, postgres_server.version)
    refused = right.replace(postgres_server.password, "pa55")
    assert look(refused) == ("PostgreSQL", "unreachable", postgres_server.address, None)
    with pytest.raises(ConfigurationError, match="DATABASE_URL is no usable") as caught:
        look("mysql://somebody:pa55@host/db")
    assert "pa55" not in str(caught.value)
