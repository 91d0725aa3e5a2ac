"""Staging is compared with its rows, mapped once more, and nothing that differs goes unnamed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.before_publish import verify_staging
from atlas_pipeline_tests.load.small import ITEMS, SEATS, World

ROWS = [(f"i{n:03}", f"name {n}", "team", n, None) for n in range(50)]


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    yield made
    made.drop()


def test_what_was_loaded_is_equal(world: World) -> None:
    world.write("items", ROWS)
    with world.loading(ITEMS) as load:
        load.copy()
        load.build()
        found = verify_staging(load)
        assert found.equal
        assert (found.tally.rows, found.tally.equal) == (50, 50)
        load.withhold()


def test_a_row_in_quarantine_is_accounted_for(world: World) -> None:
    world.write("items", [*ROWS, ("i100", "name 1", "team", 100, None)])
    with world.loading(ITEMS) as load:
        load.copy()
        load.build()
        found = verify_staging(load)
        assert found.equal
        assert (found.tally.rows, found.tally.equal, found.tally.quarantined) == (51, 50, 1)
        load.withhold()


def test_each_kind_of_difference_is_named(world: World) -> None:
    world.write("seats", [("a", n, f"name {n}") for n in range(20)])
    with world.loading(SEATS) as load:
        load.copy()
        load.build()
        load.staging.update_one({"_id": {"room": "a", "seat": 3}}, {"$set": {"name": "another"}})
        load.staging.delete_one({"_id": {"room": "a", "seat": 5}})
        load.staging.insert_one({"_id": {"room": "b", "seat": 1}, "name": "nobody"})
        found = verify_staging(load)
        assert not found.equal
        assert {(one.key, str(one.kind), *(place.path for place in one.fields)) for one in found.differences} == {
            ("room='a', seat=3", "value", "name"),
            ("room='a', seat=5", "missing_in_target"),
            ("room='b', seat=1", "extra_in_target"),
        }
        load.withhold()
