"""Repairing what was reported: exactly those keys, whatever differs, and everything accounted for afterwards."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from bson import Decimal128, Int64
from pymongo import MongoClient

from atlas_pipeline.errors import EXIT_CANNOT, LeaseHeldError, SourceError, TargetError, TargetUnavailableError
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile import records
from atlas_pipeline.reconcile import repair as repair_module
from atlas_pipeline.reconcile.corrections import WRITTEN_OFTEN
from atlas_pipeline_tests.load.faults import failing
from atlas_pipeline_tests.load.small import ITEMS, NUMBERS, SEATS, World, items
from atlas_pipeline_tests.reconcile.repairing import (
    accounted,
    change,
    did,
    key,
    now,
    published,
    repair,
    touched,
    verify,
)

ROWS = 2_000


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """A few items that are published, and a source and databases of this test's own."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    made.write("items", items(40))
    made.reload()
    yield made
    made.drop()


@pytest.fixture
def large(world: World) -> World:
    """More items, so that they are looked at in several parts."""
    world.write("items", items(ROWS))
    world.reload()
    return world


def plant(world: World) -> dict[str, set[Any]]:
    """Change 500 documents, remove 100, and delete the rows of 100; gives the keys by what a repair has to do."""
    wrong = {key(n) for n in range(0, 1_000, 2)}
    missing = {key(n) for n in range(1, 200, 2)}
    extra = {key(n) for n in range(1_900, 2_000)}
    world.live["items"].update_many({"_id": {"$in": list(wrong)}}, {"$set": {"note": "changed by somebody"}})
    world.live["items"].delete_many({"_id": {"$in": list(missing)}})
    change(world, "DELETE FROM items WHERE id >= ?", key(1_900))
    return {"u": wrong, "i": missing, "d": extra}


def test_exactly_the_documents_that_differ_are_touched_each_once(large: World) -> None:
    planted = plant(large)
    assert verify(large).tally.differences == 700
    before = now(large)
    repaired = repair(large)
    operations = touched(large, "items", before)
    assert {name: set(ids) for name, ids in operations.items()} == planted
    assert sum(map(len, operations.values())) == 700
    assert did(repaired) == (100, 500, 100, 0, 0)
    assert (repaired.reported, repaired.already_equal, repaired.complete) == (700, 0, True)
    assert verify(large).strictly_equal
    assert accounted(large)


def test_a_second_repair_finds_nothing_to_do_and_touches_nothing(large: World) -> None:
    plant(large)
    verify(large)
    repair(large)
    before = now(large)
    again = repair(large)
    assert (again.reported, did(again), again.complete) == (0, (0, 0, 0, 0, 0), True)
    assert touched(large, "items", before) == {"i": [], "u": [], "d": []}


def test_what_was_put_right_meanwhile_is_only_looked_at(large: World) -> None:
    plant(large)
    verify(large)
    large.reload()
    before = now(large)
    repaired = repair(large)
    assert (repaired.already_equal, did(repaired)) == (700, (0, 0, 0, 0, 0))
    assert touched(large, "items", before) == {"i": [], "u": [], "d": []}
    assert published(large)["digest"]  # nothing changed, so it is still that of the sync


def test_what_was_not_reported_is_left_as_it_is(world: World) -> None:
    world.live["items"].update_one({"_id": key(3)}, {"$set": {"note": "reported"}})
    verify(world)
    world.live["items"].update_one({"_id": key(4)}, {"$set": {"note": "not reported"}})
    assert did(repair(world)) == (0, 1, 0, 0, 0)
    notes = {one["_id"]: one["note"] for one in world.live["items"].find({"_id": {"$in": [key(3), key(4)]}})}
    assert notes == {key(3): "as new", key(4): "not reported"}


def test_a_reported_row_that_changed_again_is_written_as_it_is_now(world: World) -> None:
    change(world, "UPDATE items SET note = 'once' WHERE id = ?", key(3))
    verify(world)
    change(world, "UPDATE items SET note = 'twice' WHERE id = ?", key(3))
    assert did(repair(world)) == (0, 1, 0, 0, 0)
    assert world.live["items"].find_one(key(3))["note"] == "twice"


def test_without_any_verification_nothing_is_known_to_be_repaired(world: World) -> None:
    with pytest.raises(TargetError, match="atlas-pipeline verify small --table items") as caught:
        repair(world)
    assert caught.value.exit_code == EXIT_CANNOT
    verify(world, mode="counts")
    with pytest.raises(TargetError, match="no verification of all of it"):
        repair(world)
    verify(world)
    assert repair(world).complete


def test_differences_that_were_too_many_to_record_are_not_forgotten(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (records, repair_module):
        monkeypatch.setattr(module, "MOST_RECORDED", 10)
    world.live["items"].update_many({"_id": {"$lt": key(15)}}, {"$set": {"note": "changed"}})
    verify(world)
    first = repair(world)
    assert (first.reported, first.replaced, first.left.count, first.unrecorded) == (10, 10, 0, 5)
    assert not first.complete
    assert not repair(world).complete
    verify(world)
    assert did(repair(world)) == (0, 5, 0, 0, 0)
    assert repair(world).complete
    assert verify(world).strictly_equal


def test_documents_that_swapped_a_unique_value_swap_it_back_however_far_apart_they_are(large: World) -> None:
    large.live["items"].update_many({"_id": {"$lte": key(1_200)}}, {"$set": {"note": "changed"}})
    first, last = key(0), key(1_200)
    for identifier, name in ((first, "between"), (last, "name 0"), (first, "name 1200")):
        large.live["items"].update_one({"_id": identifier}, {"$set": {"name": name}})
    verify(large)
    assert did(repair(large)) == (0, 1_201, 0, 0, 0)
    assert large.live["items"].find_one(first)["name"] == "name 0"
    assert verify(large).strictly_equal


def test_numbers_of_another_type_are_written_as_they_should_be_in_keys_too(world: World) -> None:
    world.write("numbers", [(n, f"number {n}") for n in range(10)])
    world.reload(NUMBERS)
    for identifier in (5.0, Decimal128("6.00"), Int64(7)):
        world.live["numbers"].delete_one({"_id": identifier})
        world.live["numbers"].insert_one({"_id": identifier, "name": f"number {int(str(identifier)[0])}"})
    assert verify(world, NUMBERS).representation == 3
    assert did(repair(world, NUMBERS)) == (0, 3, 0, 0, 0)
    assert verify(world, NUMBERS).strictly_equal


def test_composite_keys_are_repaired(world: World) -> None:
    world.write("seats", [(f"room {n % 3}", n, f"name {n}") for n in range(30)])
    world.reload(SEATS)
    world.live["seats"].update_one({"_id.seat": 4}, {"$set": {"name": "changed"}})
    world.live["seats"].delete_one({"_id.seat": 5})
    change(world, "DELETE FROM seats WHERE seat = 6")
    verify(world, SEATS)
    assert did(repair(world, SEATS)) == (1, 1, 1, 0, 0)
    assert verify(world, SEATS).strictly_equal
    assert accounted(world, "seats")


def test_another_run_that_works_on_the_table_is_not_disturbed(large: World) -> None:
    plant(large)
    verify(large)
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    with Target(large.uri) as target:
        ledger = TableLedger(target.pipeline_database(large.catalog), large.catalog, ITEMS, run)
        with Lease(ledger.tables, ledger.table_id, run):
            before = now(large)
            with pytest.raises(LeaseHeldError, match=run.run_id):
                repair(large)
    assert touched(large, "items", before) == {"i": [], "u": [], "d": []}


def test_a_server_that_goes_away_in_the_middle_is_an_error_and_the_work_stays_known(large: World) -> None:
    plant(large)
    verify(large)
    with (
        failing(large.client, ["update"], namespace=f"{large.database}.items", closeConnection=True),
        pytest.raises(TargetUnavailableError),
    ):
        repair(large)
    run = large.ledger["runs"].find_one({"phase": "repair"})
    assert (run["status"], run["reported"]) == ("failed", 700)
    assert repair(large).complete
    assert verify(large).strictly_equal
    assert accounted(large)


def test_a_source_that_is_gone_is_an_error_and_the_work_stays_known(world: World) -> None:
    world.live["items"].update_one({"_id": key(3)}, {"$set": {"note": "changed"}})
    verify(world)
    elsewhere = world.source.rename(world.source.with_suffix(".elsewhere"))
    with pytest.raises(SourceError, match="does not exist"):
        repair(world)
    elsewhere.rename(world.source)
    assert did(repair(world)) == (0, 1, 0, 0, 0)


class ChangingSource(SqliteSource):
    """A source of an application that writes to MongoDB whenever somebody begins to read."""

    world: World

    @contextmanager
    def snapshot(self, *, label: str = "") -> Iterator[Snapshot]:  # type: ignore[override]
        self.world.live["items"].update_one({"_id": key(3)}, {"$set": {"note": "mine"}})
        with super().snapshot(label=label) as snapshot:
            yield snapshot


def test_a_document_that_somebody_writes_again_and_again_is_named_at_last(world: World) -> None:
    for number in (3, 4):
        world.live["items"].update_one({"_id": key(number)}, {"$set": {"note": "changed"}})
    verify(world)
    source = ChangingSource(
        f"sqlite:///{world.source}", variable="SMALL_DB_URL", copies=world.folder / "copies", timeout_seconds=1
    )
    source.world = world
    repaired = repair(world, source=source)
    (left,) = repaired.left_as_json()
    assert (left["key"], left["why"]) == (key(3), WRITTEN_OFTEN)
    assert world.live["items"].find_one(key(4))["note"] == "as new"
    assert did(repair(world)) == (0, 1, 0, 0, 0)
    assert verify(world).strictly_equal
