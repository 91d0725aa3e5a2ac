"""The table of `syncing`, empty and not synced yet, in a source of each dialect."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_pipeline.extract import batching
from atlas_pipeline.load import ranges
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.resync import in_place, range_walk
from atlas_pipeline_tests.resync.syncing import Syncing, syncing


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for the suites of a module's tests."""
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def in_sqlite(mongo_server: MongoServer, tmp_path: Path, project: Path) -> Iterator[Syncing]:
    """The table in a file."""
    with syncing(mongo_server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path, project, []) as made:
        yield made


@pytest.fixture
def in_postgres(mongo_server: MongoServer, postgres_database: str, tmp_path: Path, project: Path) -> Iterator[Syncing]:
    """The table in a PostgreSQL database."""
    with syncing(mongo_server.uri, postgres_database, tmp_path, project, []) as made:
        yield made


@pytest.fixture(params=["in_sqlite", "in_postgres"])
def anywhere(request: pytest.FixtureRequest) -> Syncing:
    """The table in each of them."""
    made: Syncing = request.getfixturevalue(request.param)
    return made


@pytest.fixture
def small_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are cut into ranges of 20 documents, and a range of more than 80 rows is compared in parts."""
    for name in ("BATCH_ROWS", "FETCH_ROWS"):
        monkeypatch.setattr(batching, name, 20)
    monkeypatch.setattr(ranges, "RANGE_DOCUMENTS", 20)
    monkeypatch.setattr(in_place, "RANGE_DOCUMENTS", 20)
    monkeypatch.setattr(range_walk, "MOST_ROWS", 80)
