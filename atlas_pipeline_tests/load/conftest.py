"""The small world of the load's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.load.small import World


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """A source file and databases of this test's own on the session's server."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    yield made
    made.drop()
