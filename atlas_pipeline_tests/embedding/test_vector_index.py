"""The vector search index on a server that has no vector search."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database
from pymongo.errors import OperationFailure
from pymongo.uri_parser import parse_uri

from atlas_pipeline.embedding.vector_index import (
    VectorIndexState,
    definition_of,
    ensure_vector_index,
    look_at_vector_index,
    state_of,
)
from atlas_pipeline.errors import TargetError
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.embedding.events import EMBEDDING
from atlas_pipeline_tests.embedding.other_servers import answering

Db = Database[dict[str, Any]]


def test_a_server_that_cannot_leaves_the_index_pending_with_the_exact_command(database: Db) -> None:
    database.create_collection("events")
    found = ensure_vector_index(database.events, EMBEDDING)
    assert found.state == "pending"
    assert "does not know search indexes" in found.reason
    assert found.definition == {
        "fields": [
            {"type": "vector", "path": "embedding", "numDimensions": 384, "similarity": "cosine"},
            {"type": "filter", "path": "team"},
        ]
    }
    assert found.command == (
        f'db.getSiblingDB("{database.name}").getCollection("events")'
        f'.createSearchIndex("by_meaning", "vectorSearch", {json.dumps(found.definition)})'
    )


def test_looking_says_the_same_of_such_a_server_and_creates_nothing(database: Db) -> None:
    assert look_at_vector_index(database.events, EMBEDDING) == ensure_vector_index(database.events, EMBEDDING)
    assert database.list_collection_names() == []


@contextmanager
def another_server(mongo_server: MongoServer, name: str, code: int) -> Iterator[Db]:
    """The database, reached over a server that answers with this code where ours does not know search indexes."""
    with MongoClient[dict[str, Any]](mongo_server.uri) as direct:
        host, port = direct.address or ("", 0)
    with answering(host, port, code=code) as proxy:
        uri = f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true"
        with MongoClient[dict[str, Any]](uri, **_login(mongo_server.uri)) as client:
            yield client[name]
        assert proxy.changed == 1


def _login(uri: str) -> dict[str, Any]:
    found = parse_uri(uri)
    if found["username"] is None:
        return {}
    return {name: found[name] for name in ("username", "password")} | {"authSource": "admin"}


@pytest.mark.parametrize(("code", "reason"), [(31082, "not enabled"), (6047401, "on Atlas only"), (115, "support")])
def test_the_answers_of_other_servers_without_search_mean_the_same(
    mongo_server: MongoServer, database: Db, code: int, reason: str
) -> None:
    with another_server(mongo_server, database.name, code) as other:
        found = ensure_vector_index(other.events, EMBEDDING)
    assert found.state == "pending"
    assert reason in found.reason


@pytest.mark.parametrize("look", [ensure_vector_index, look_at_vector_index])
@pytest.mark.parametrize("code", [13, 8000, 11601])
def test_any_other_refusal_is_an_error_and_not_pending(
    mongo_server: MongoServer, database: Db, code: int, look: Callable[..., VectorIndexState]
) -> None:
    with another_server(mongo_server, database.name, code) as other, pytest.raises(OperationFailure) as raised:
        look(other.events, EMBEDDING)
    assert raised.value.code == code


def _listed(**changes: Any) -> dict[str, Any]:
    """An entry as Atlas lists it."""
    entry = {
        "id": "6524096020da840844a4c4a7",
        "name": "by_meaning",
        "type": "vectorSearch",
        "status": "READY",
        "queryable": True,
        "latestVersion": 0,
        "latestDefinition": definition_of(EMBEDDING),
    }
    return entry | changes


@pytest.mark.parametrize(
    ("listed", "state"),
    [
        (_listed(), "ready"),
        (_listed(status="BUILDING", queryable=False), "building"),
        (_listed(status="STALE", queryable=True), "ready"),
        (None, "building"),
    ],
)
def test_the_server_s_list_decides_whether_the_index_is_ready(
    database: Db, listed: dict[str, Any] | None, state: str
) -> None:
    assert state_of(database.events, EMBEDDING, listed).state == state


def test_options_that_the_server_adds_to_a_field_do_not_matter(database: Db) -> None:
    fields = definition_of(EMBEDDING)["fields"]
    fields = [fields[1], {**fields[0], "quantization": "none"}]
    assert state_of(database.events, EMBEDDING, _listed(latestDefinition={"fields": fields})).state == "ready"


@pytest.mark.parametrize(
    "change",
    [
        {"type": "search"},
        {"latestDefinition": {"fields": definition_of(EMBEDDING)["fields"][:1]}},
        {"latestDefinition": definition_of(replace(EMBEDDING, dimensions=768))},
        {"latestDefinition": {"mappings": {"dynamic": True}}},
    ],
)
def test_another_index_of_the_same_name_is_an_error_with_the_command(database: Db, change: dict[str, Any]) -> None:
    with pytest.raises(TargetError, match="another definition") as raised:
        state_of(database.events, EMBEDDING, _listed(**change))
    assert "createSearchIndex" in str(raised.value)


def test_an_index_that_could_not_be_built_is_an_error(database: Db) -> None:
    with pytest.raises(TargetError, match="could not be built"):
        state_of(database.events, EMBEDDING, _listed(status="FAILED", queryable=False))
