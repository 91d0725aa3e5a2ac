"""What every test may use: an environment without the developer's settings, and one MongoDB for the whole session."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.local.files import ServerFiles
from atlas_pipeline.local.servers import MongoServer, PostgresServer, mongodb
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.distribution import FilesTogether, rank
from atlas_pipeline_tests.memory import folder_in_memory
from atlas_pipeline_tests.postgres import empty_database, running_server

_HERE = Path(__file__).resolve().parent
TEST_COMMANDS = ("--setParameter", "enableTestCommands=1")
_SMALL_JOURNAL = (  # else it takes 300 MB before the first document
    "--wiredTigerEngineConfigString",
    "log=(enabled=true,remove=true,path=journal,compressor=snappy,prealloc=false,file_max=16MB)",
)


def pytest_collection_finish() -> None:
    """Look for reference cycles less often, and not among what was imported: looking takes a tenth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Where several processes test, each file is tested by one."""
    config.option.loadscopereorder = False  # the number of its tests does not say how long a file takes
    return FilesTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first."""
    items.sort(key=lambda item: rank(item.path.relative_to(_HERE).parts))


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    """No variable that the settings know reaches a test from outside; and whoever is started can be interrupted, also
    where the tests run in the background.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    with pytest.MonkeyPatch.context() as patch:
        for field in Settings.model_fields.values():
            patch.delenv(str(field.validation_alias), raising=False)
        yield


@pytest.fixture(scope="session")
def mongo_server(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[MongoServer]:
    """One embedded MongoDB for all tests, a replica set that also takes fail points. Its data are in memory where there
    is room: most tests make collections and drop them, and each time it waits for its disk.
    """
    state = tmp_path_factory.mktemp("mongodb")
    with folder_in_memory() as folder:
        if folder is not None:
            ServerFiles(state).data.symlink_to(folder)
        with mongodb(Settings(ATLAS_STATE_DIR=state), extra_args=(*TEST_COMMANDS, *_SMALL_JOURNAL)) as server:
            yield server


@pytest.fixture
def mongo_client(mongo_server: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of the session's server; what a test writes stays until the test removes it."""
    with MongoClient[dict[str, Any]](mongo_server.uri, tz_aware=True) as client:
        yield client


@pytest.fixture
def make_settings(tmp_path: Path, mongo_server: MongoServer) -> Callable[..., Settings]:
    """Makes settings with a state folder of this test and the session's server; keywords are environment names."""

    def make(**environment: object) -> Settings:
        return Settings(**{"ATLAS_STATE_DIR": tmp_path / "state", "MONGODB_URI": mongo_server.uri, **environment})

    return make


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    """Settings with a state folder of this test and the session's server."""
    return make_settings()


@pytest.fixture(scope="session")
def postgres_server(_clean_environment: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """One embedded PostgreSQL for all tests."""
    with running_server(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture
def postgres_database(postgres_server: PostgresServer) -> Iterator[str]:
    """The SQLAlchemy URL of an empty database that only this test has."""
    with empty_database(postgres_server) as url:
        yield url
