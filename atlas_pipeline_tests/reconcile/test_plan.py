"""What a plan says a sync would do, held to what the sync then does; and that a plan writes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from bson import ObjectId
from pymongo import MongoClient

from atlas_pipeline.errors import TargetError
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.plan_result import FIRST_KEYS, TablePlan
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import EVENTS, ITEMS, NUMBERS, World, events, items, policy
from atlas_pipeline_tests.reconcile.repairing import change, plan

BAD = [
    ("item-x", None, "team", 1, None),
    ("item-00007", "the same key", "team", 1, None),
    ("item-y", "name 5", "a team of its own", 1, None),
]
"""Rows that are refused: for a null, for a key that another row has, and for a unique value."""


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """A source and databases of this test's own."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    made.write("items", items(60))
    yield made
    made.drop()


def says(planned: TablePlan) -> tuple[int, int, int, int, int]:
    """Inserted, replaced, deleted, unchanged, quarantined."""
    return planned.inserted, planned.replaced, planned.deleted, planned.unchanged, planned.quarantined


def everything(client: MongoClient[dict[str, Any]]) -> dict[str, str]:
    """Digest of every collection of the server, with its indexes and options, but those of the server itself."""
    found = {}
    for name in client.list_database_names():
        if name in ("admin", "config", "local"):
            continue
        database = client[name]
        for info in database.list_collections():
            digest = hashlib.sha256(repr(sorted(info.items(), key=str)).encode())
            if info["type"] == "collection" and not info["name"].startswith("system.views"):
                digest.update(repr(list(database[info["name"]].list_indexes())).encode())
                for batch in database[info["name"]].find_raw_batches({}).sort("_id", 1):
                    digest.update(batch)
            found[f"{name}.{info['name']}"] = digest.hexdigest()
    return found


def test_of_a_table_that_was_never_synced_everything_is_created(world: World) -> None:
    world.write("items", [*items(60), *BAD[:2]])
    before = everything(world.client)
    planned = plan(world)
    assert says(planned) == (60, 0, 0, 0, 2)
    assert (planned.exists, planned.read, planned.nothing_to_do) == (False, 62, False)
    assert planned.first_keys["inserted"] == [f"item-{n:05}" for n in range(FIRST_KEYS)]
    assert sorted(planned.first_keys["quarantined"]) == ["item-00007", "item-x"]
    assert everything(world.client) == before
    facts = world.reload()
    assert (facts.loaded, facts.quarantined, facts.document_bytes) == (60, 2, planned.bytes)


def test_after_a_sync_there_is_nothing_to_do_whatever_was_refused(world: World) -> None:
    world.write("items", [*items(60), *BAD])
    world.reload()
    planned = plan(world)
    assert says(planned) == (0, 0, 0, 60, 3)
    assert planned.nothing_to_do
    assert planned.first_keys == {}


def test_what_changed_on_either_side_is_told_apart_and_a_sync_then_does_it(world: World) -> None:
    world.write("items", [*items(60), *BAD])
    world.reload()
    change(world, "UPDATE items SET note = 'changed' WHERE id < 'item-00003'")
    change(world, "DELETE FROM items WHERE id = 'item-00050'")
    change(world, "UPDATE items SET name = NULL WHERE id = 'item-00040'")
    change(world, "UPDATE items SET name = 'repaired' WHERE id = 'item-x'")
    change(world, "INSERT INTO items VALUES ('new', 'a new one', 'team', 2, NULL)")
    world.live["items"].update_one({"_id": "item-00020"}, {"$set": {"note": "changed there"}})
    world.live["items"].delete_one({"_id": "item-00021"})
    before = everything(world.client)
    planned = plan(world)
    assert everything(world.client) == before
    assert says(planned) == (3, 4, 2, 53, 3)
    assert (planned.already_quarantined, planned.leaving_quarantine) == (2, 1)
    assert planned.first_keys == {
        "replaced": ["item-00000", "item-00001", "item-00002", "item-00020"],
        "inserted": ["item-00021", "item-x", "new"],
        "deleted": ["item-00040", "item-00050"],
        "quarantined": ["item-00040"],
    }
    facts = world.reload()
    assert (facts.loaded, facts.quarantined) == (planned.documents, planned.quarantined)
    assert plan(world).nothing_to_do


def test_a_row_in_quarantine_that_is_gone_is_something_to_do(world: World) -> None:
    world.write("items", [*items(60), BAD[0]])
    world.reload()
    change(world, "DELETE FROM items WHERE id = 'item-x'")
    planned = plan(world)
    assert (says(planned), planned.leaving_quarantine) == ((0, 0, 0, 60, 0), 1)
    assert not planned.nothing_to_do


@pytest.mark.parametrize(
    ("choice", "deleted", "foreign", "blocked"), [("refuse", 0, 1, 1), ("keep", 0, 1, 0), ("delete", 1, 0, 0)]
)
def test_foreign_documents_stop_the_sync_stay_or_go_as_the_policy_says(
    world: World, choice: str, deleted: int, foreign: int, blocked: int
) -> None:
    table = policy(ITEMS, foreign_documents=choice)
    world.reload(table)
    world.live["items"].insert_one({"_id": ObjectId(), "name": "somebody", "team": "else", "slot": 1})
    planned = plan(world, table)
    assert (planned.deleted, planned.foreign, len(planned.blocked)) == (deleted, foreign, blocked)
    assert planned.as_json()["status"] == ("blocked" if blocked else "to do" if deleted else "nothing to do")
    if blocked:
        assert "1 foreign documents" in planned.blocked[0]
        with pytest.raises(TargetError, match="1 foreign documents"):
            world.reload(table)
    else:
        world.reload(table)
        assert world.live["items"].count_documents({}) == 60 + foreign


def test_a_foreign_document_that_is_to_be_kept_under_the_key_of_a_row_stops_the_sync(world: World) -> None:
    table = policy(ITEMS, foreign_documents="keep")
    world.reload(table)
    change(world, "INSERT INTO items VALUES ('new', 'a new one', 'team', 2, NULL)")
    world.live["items"].insert_one({"_id": "new", "name": "a new one", "team": "team", "slot": 2, "note": None})
    planned = plan(world, table)
    assert "1 foreign documents" in planned.blocked[0]
    with pytest.raises(TargetError, match="clashes"):
        world.reload(table)


def test_a_source_that_was_emptied_is_said_to_stop_the_sync(world: World) -> None:
    world.reload()
    change(world, "DELETE FROM items")
    planned = plan(world)
    assert says(planned) == (0, 0, 60, 0, 0)
    assert "would shrink from 60 to 0 documents" in planned.blocked[0]


def test_a_collection_of_another_kind_cannot_be_planned(world: World) -> None:
    world.live.create_collection("items", capped=True, size=4096)
    with pytest.raises(TargetError, match="capped"):
        plan(world)


def test_keys_that_the_source_orders_in_another_way_are_planned_by_key(world: World) -> None:
    rows = [(n, f"number {n}") for n in range(50)]
    world.write("numbers", rows)
    world.reload(NUMBERS)
    change(world, "UPDATE numbers SET name = 'changed' WHERE id = 7")
    change(world, "DELETE FROM numbers WHERE id = 8")
    world.live["numbers"].delete_one({"_id": 9})
    by_walk = plan(world, NUMBERS)
    assert says(by_walk) == (1, 1, 1, 47, 0)


def series(world: World, table: TableSpec = EVENTS) -> TablePlan:
    return plan(world, table)


def test_a_time_series_that_does_not_exist_is_created_whole(world: World) -> None:
    world.write("events", [*events(50), ("bad", "some day", "north", None, None, 1, None)])
    before = everything(world.client)
    planned = series(world)
    assert (says(planned), planned.exists) == ((50, 0, 0, 0, 1), False)
    assert everything(world.client) == before
    facts = world.reload(EVENTS)
    assert (facts.inserted, facts.quarantined) == (50, 1)
    assert series(world).nothing_to_do


def test_what_changed_in_a_time_series_is_told_apart_and_a_sync_then_does_it(world: World) -> None:
    world.write("events", events(50))
    world.reload(EVENTS)
    change(world, "UPDATE events SET number = -1 WHERE id = 'event-00007'")
    change(world, "DELETE FROM events WHERE id = 'event-00009'")
    change(world, "INSERT INTO events VALUES ('new', '2026-01-01 00:00:00.000', 'north', 'kind', NULL, 5, NULL)")
    before = everything(world.client)
    planned = series(world)
    assert everything(world.client) == before
    assert says(planned) == (1, 1, 1, 48, 0)
    facts = world.reload(EVENTS)
    assert (facts.inserted, facts.replaced, facts.deleted, facts.unchanged) == (1, 1, 1, 48)


def test_foreign_documents_of_a_time_series_are_said_to_stop_the_sync(world: World) -> None:
    world.write("events", events(50))
    world.reload(EVENTS)
    at = datetime(2026, 1, 1, tzinfo=UTC)
    world.live["events"].insert_one({"_id": "foreign", "at": at, "meta": {"zone": "of another program"}})
    planned = series(world)
    assert (planned.foreign, planned.deleted) == (1, 0)
    assert "1 foreign documents" in planned.blocked[0]


def test_the_time_is_estimated_from_earlier_syncs_where_there_are_some(world: World) -> None:
    world.reload()  # not as `sync` does it, so without its duration
    assert plan(world).estimated_from == "the rate of this plan"
    runs = world.ledger["runs"]
    runs.update_many({}, {"$set": {"seconds": {"total": 120.0}}})
    planned = plan(world)
    assert (planned.estimated_from, planned.seconds) == ("the last sync", pytest.approx(120.0))
    change(world, "DELETE FROM items WHERE id >= 'item-00030'")
    assert plan(world).seconds == pytest.approx(60.0)
