"""Scratch collections: like the live one, in the pipeline's database, and gone afterwards, whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pymongo.collection import Collection
from pymongo.errors import WriteError

from atlas_pipeline.errors import LeaseHeldError
from atlas_pipeline.load import scratch
from atlas_pipeline.load.indexes import existing_indexes
from atlas_pipeline.load.scratch import scratch_of
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline_tests.load.small import ITEMS, World, items

JUDGED = replace(ITEMS, sync=SyncPolicy())


@pytest.fixture
def target(world: World) -> Iterator[Target]:
    """A published table with a validator, and an index that is not in the spec."""
    world.write("items", items(5))
    world.reload(JUDGED)
    world.live["items"].create_index("slot", name="of_somebody")
    with Target(world.uri) as opened:
        yield opened


def names(world: World) -> list[str]:
    return [name for name in world.ledger.list_collection_names() if name.startswith("scratch_")]


def test_it_is_empty_and_has_indexes_and_validator_of_the_live_collection(world: World, target: Target) -> None:
    live = world.live["items"]
    with scratch_of(target, world.catalog, JUDGED) as made:
        assert (made.database.name, names(world)) == (world.ledger.name, [made.name])
        assert made.count_documents({}) == 0
        assert existing_indexes(made).keys() == existing_indexes(live).keys() >= {"by_name", "of_somebody"}
        assert made.options()["validator"] == live.options()["validator"]
        with pytest.raises(WriteError):
            made.insert_one({"_id": "one", "name": 7})
    assert names(world) == []
    assert live.count_documents({}) == 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_it_goes_when_its_user_fails_or_is_interrupted(
    world: World, target: Target, error: type[BaseException]
) -> None:
    def write_and_fail(made: Collection[dict[str, Any]]) -> None:
        made.insert_one({**live_one(world), "_id": "one", "name": "another", "slot": 99})
        raise error

    with pytest.raises(error), scratch_of(target, world.catalog, JUDGED) as made:
        write_and_fail(made)
    assert (names(world), scratch.find(target, world.catalog)) == ([], [])


def test_nobody_else_gets_one_meanwhile_and_cleaning_leaves_it(world: World, target: Target) -> None:
    with scratch_of(target, world.catalog, JUDGED) as made:
        with pytest.raises(LeaseHeldError), scratch_of(target, world.catalog, JUDGED):
            pytest.fail("two have it")
        (found,) = scratch.find(target, world.catalog)
        assert (found.place, found.kept != "") == (f"{world.ledger.name}.{made.name}", True)
        with pytest.raises(LeaseHeldError):
            found.remove()
        assert names(world) == [made.name]


def test_what_a_dead_user_left_goes_with_the_next_one(world: World, target: Target) -> None:
    left, table_id = "scratch_items_0123456789ab", f"{world.catalog.name}.items"
    world.ledger["scratch"].insert_one({"_id": table_id, "lease": None, "collections": [left]})
    world.ledger[left].insert_one({"_id": "one"})
    with scratch_of(target, world.catalog, JUDGED) as made:
        assert names(world) == [made.name]
    assert world.ledger["scratch"].distinct("collections") == []


def test_that_of_a_user_who_lost_his_lease_is_no_result(world: World, target: Target) -> None:
    with pytest.raises(LeaseHeldError), scratch_of(target, world.catalog, JUDGED):
        world.ledger["scratch"].update_one({}, {"$set": {"lease": None}})
    assert names(world) == []


def live_one(world: World) -> dict[str, Any]:
    found = world.live["items"].find_one()
    assert found is not None
    return found
