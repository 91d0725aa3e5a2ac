"""Repairs that end without a document of their row: refused rows, rows that repeat another one, foreign documents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.corrections import FOREIGN
from atlas_pipeline_tests.load.small import ITEMS, World, items, policy
from atlas_pipeline_tests.reconcile.repairing import accounted, change, did, key, published, repair, verify


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """A few items that are published, and a source and databases of this test's own."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    made.write("items", items(40))
    made.reload()
    yield made
    made.drop()


def test_foreign_documents_are_left_alone_unless_they_may_go(world: World) -> None:
    foreign = ObjectId()
    world.live["items"].insert_one({"_id": foreign, "name": "somebody", "team": "else", "slot": 1})
    world.live["items"].update_one({"_id": key(3)}, {"$set": {"note": "changed"}})
    verify(world)
    repaired = repair(world)
    assert did(repaired) == (0, 1, 0, 0, 1)
    (left,) = repaired.left_as_json()
    assert (left["key"], left["kind"], left["why"]) == (str(foreign), "extra_in_target", FOREIGN)
    assert not repaired.complete
    keeping = policy(ITEMS, foreign_documents="keep")
    assert did(repair(world, keeping, delete_foreign=True)) == (0, 0, 0, 0, 1)
    assert world.live["items"].find_one(foreign) is not None
    assert did(repair(world, delete_foreign=True)) == (0, 0, 1, 0, 0)
    assert accounted(world)


def test_the_policy_delete_lets_foreign_documents_go(world: World) -> None:
    world.live["items"].insert_one({"_id": None, "name": "somebody", "team": "else", "slot": 1})
    verify(world)
    assert did(repair(world, policy(ITEMS, foreign_documents="delete"))) == (0, 0, 1, 0, 0)
    assert accounted(world)


def test_a_foreign_document_under_the_key_of_a_row_is_left_alone_too(world: World) -> None:
    change(world, "INSERT INTO items VALUES ('new', 'a new one', 'team', 1, NULL)")
    world.live["items"].insert_one({"_id": "new", "name": "not of the pipeline", "team": "team", "slot": 2})
    verify(world)
    assert did(repair(world)) == (0, 0, 0, 0, 1)
    assert did(repair(world, delete_foreign=True)) == (0, 1, 0, 0, 0)
    assert world.live["items"].find_one("new")["name"] == "a new one"
    assert accounted(world)


def test_a_row_that_is_refused_now_goes_into_the_quarantine_and_its_document_goes(world: World) -> None:
    change(world, "UPDATE items SET name = NULL WHERE id = ?", key(3))
    change(world, "INSERT INTO items VALUES ('item-x', NULL, 'team', 1, NULL)")
    verify(world)
    assert did(repair(world)) == (0, 0, 1, 2, 0)
    assert world.quarantined("key", "code", "run_id", "published") == [
        ([key(3)], "null_value", published(world)["run_id"], True),
        (["item-x"], "null_value", published(world)["run_id"], True),
    ]
    assert accounted(world)
    assert verify(world).strictly_equal
    world.reload()
    assert world.quarantined() == [([key(3)], "name", "null_value"), (["item-x"], "name", "null_value")]


def test_a_row_whose_unique_value_another_one_has_goes_into_the_quarantine(world: World) -> None:
    change(world, "UPDATE items SET name = 'name 5' WHERE id = ?", key(30))
    change(world, "INSERT INTO items VALUES ('item-x', 'name 6', 'team', 1, NULL)")
    verify(world)
    assert did(repair(world)) == (0, 0, 1, 2, 0)
    by_repair = world.quarantined("key", "code")
    assert by_repair == [([key(30)], "duplicate_value"), (["item-x"], "duplicate_value")]
    assert accounted(world)
    assert verify(world).strictly_equal
    world.reload()
    assert world.quarantined("key", "code") == by_repair


def test_a_second_row_with_the_same_key_goes_into_the_quarantine(world: World) -> None:
    change(world, "INSERT INTO items VALUES (?, 'again', 'team', 1, NULL)", key(3))
    world.live["items"].update_one({"_id": key(3)}, {"$set": {"note": "changed"}})
    verify(world)
    assert did(repair(world)) == (0, 1, 0, 1, 0)
    assert world.live["items"].find_one(key(3))["note"] == "as new"
    assert world.quarantined() == [([key(3)], "id", "duplicate_value")]
    assert accounted(world)
    assert verify(world).strictly_equal


def test_a_row_without_a_key_is_left_and_named(world: World) -> None:
    change(world, "INSERT INTO items VALUES (x'ff', 'nobody', 'team', 1, NULL)")
    verify(world)
    repaired = repair(world)
    assert did(repaired) == (0, 0, 0, 0, 1)
    (left,) = repaired.left_as_json()
    assert left["key"] == "(no key)"
    assert "without a usable key" in left["why"]
