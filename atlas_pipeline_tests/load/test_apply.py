"""Single differences applied to a live collection: the order, the counts, what stands in the way, and the ledger."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import bson
import pytest
from bson import Decimal128, Int64
from pymongo.errors import OperationFailure

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.apply import BATCH, Applied, apply_changes
from atlas_pipeline.load.foreign import foreign_ids
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.faults import failing
from atlas_pipeline_tests.load.small import ITEMS, NUMBERS, World, items

Document = dict[str, Any]


class Live:
    """The published collection of one table, and what the ledger knows of it."""

    def __init__(self, world: World, target: Target, table: TableSpec) -> None:
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        self.ledger = TableLedger(target.pipeline_database(world.catalog), world.catalog, table, run)
        self.collection = target.database(world.catalog)[table.collection]

    def apply(self, writes: Sequence[Document] = (), deletes: Sequence[Any] = ()) -> Applied:
        encoded = [(document["_id"], bson.encode(document)) for document in writes]
        return apply_changes(
            self.collection, deletes=deletes, writes=encoded, ledger=self.ledger, comment="apply these changes"
        )

    def foreign(self) -> list[Any]:
        return list(foreign_ids(self.collection, self.ledger.published_ranges(), comment=""))

    def known(self) -> int:
        return sum(key_range.documents for key_range in self.ledger.published_ranges())

    def raw(self) -> list[bytes]:
        return [bson.encode(one) for one in self.collection.find().sort("_id", 1)]


def item(number: int, **fields: Any) -> Document:
    """The document of a row of `small.items`."""
    row = items(number + 1, note="as new")[number]
    return dict(zip(("_id", "name", "team", "slot", "note"), row, strict=True)) | fields


@pytest.fixture
def target(world: World) -> Iterator[Target]:
    with Target(world.uri) as target:
        yield target


@pytest.fixture
def live(world: World, target: Target) -> Live:
    """Ten items, published."""
    world.write("items", items(10))
    world.reload()
    return Live(world, target, ITEMS)


def _counts(applied: Applied) -> tuple[int, int, int, dict[int, Any]]:
    refused = {position: code for position, (code, _) in applied.refused.items()}
    return applied.deleted, applied.replaced, applied.inserted, refused


def test_documents_are_deleted_replaced_and_inserted_and_each_is_counted_once(live: Live) -> None:
    applied = live.apply([item(3, note="changed"), item(50), item(4)], deletes=["item-00000", "item-99999"])
    assert _counts(applied) == (1, 2, 1, {})
    found = {one["_id"]: one for one in live.collection.find()}
    assert found["item-00003"] == item(3, note="changed")
    assert found["item-00050"] == item(50)
    assert sorted(found) == [f"item-{n:05}" for n in (*range(1, 10), 50)]
    assert live.foreign() == []
    assert live.known() == len(found)


def test_doing_all_of_it_again_changes_nothing(live: Live) -> None:
    changes: dict[str, Any] = {"writes": [item(3, note="changed"), item(50)], "deletes": ["item-00000"]}
    live.apply(**changes)
    once = live.raw()
    assert _counts(live.apply(**changes)) == (0, 2, 0, {})
    assert live.raw() == once
    assert live.known() == len(once)


def test_more_than_one_batch_of_each_kind_is_applied(live: Live) -> None:
    many = [item(n) for n in range(100, 100 + 2 * BATCH + 3)]
    assert _counts(live.apply(many)) == (0, 0, len(many), {})
    gone = [document["_id"] for document in many]
    assert _counts(live.apply(deletes=gone)) == (len(gone), 0, 0, {})
    assert live.collection.count_documents({}) == 10
    assert live.known() == 10


def test_a_document_may_take_the_value_of_one_that_is_deleted(live: Live) -> None:
    assert _counts(live.apply([item(50, name="name 4")], deletes=["item-00004"])) == (1, 0, 1, {})


def test_a_row_that_came_back_under_a_lower_key_takes_its_value_along(live: Live) -> None:
    again = {**item(9), "_id": "item-00000a"}
    assert _counts(live.apply([again], deletes=["item-00009"])) == (1, 0, 1, {})
    assert live.collection.find_one({"name": "name 9"}) == again


@pytest.mark.parametrize("step", [1, -1])
def test_a_chain_of_documents_that_move_up_by_one_value_is_applied_whichever_way_it_runs(live: Live, step: int) -> None:
    moved = [item(n, name=f"name {n + step}") for n in range(10)]
    assert _counts(live.apply(moved)) == (0, 10, 0, {})
    assert list(live.collection.find().sort("_id", 1)) == moved


def test_two_documents_that_swap_a_unique_value_are_both_applied(live: Live) -> None:
    applied = live.apply([item(2, name="name 7"), item(7, name="name 2"), item(5, note="changed")])
    assert _counts(applied) == (0, 3, 0, {})
    assert live.collection.find_one("item-00002") == item(2, name="name 7")
    assert live.collection.find_one("item-00007") == item(7, name="name 2")
    assert live.foreign() == []


def test_a_ring_through_two_unique_indexes_and_a_new_document_behind_it_are_applied(live: Live) -> None:
    place_of_three = {"team": item(3)["team"], "slot": item(3)["slot"]}
    ring = [item(1, name="name 2"), item(2, name="free", **place_of_three), item(3, name="name 1", slot=99)]
    applied = live.apply([*ring, item(60, name="name 3")])
    assert _counts(applied) == (0, 3, 1, {})
    assert [live.collection.find_one(one["_id"]) for one in ring] == ring


def test_what_another_document_really_has_is_refused_and_what_was_there_stays(live: Live) -> None:
    applied = live.apply([item(2, name="name 7"), item(50, name="name 8"), item(3, note="changed")])
    assert _counts(applied) == (0, 1, 0, {0: RejectCode.DUPLICATE_VALUE, 1: RejectCode.DUPLICATE_VALUE})
    assert "unique index on name" in applied.refused[0][1]
    assert "name 7" not in applied.refused[0][1]
    assert live.collection.find_one("item-00002") == item(2)
    assert live.collection.find_one("item-00050") is None
    assert live.known() == 10


def test_of_two_documents_that_claim_one_value_the_one_with_the_lower_key_gets_it(live: Live) -> None:
    applied = live.apply([item(51, name="new"), item(50, name="new")])
    assert _counts(applied) == (0, 0, 1, {0: RejectCode.DUPLICATE_VALUE})
    assert live.collection.find_one({"name": "new"}) == item(50, name="new")


def test_two_that_swap_while_a_third_claims_the_value_of_one_leave_only_the_third_behind(live: Live) -> None:
    applied = live.apply([item(2, name="name 7"), item(7, name="name 2"), item(50, name="name 2")])
    assert _counts(applied) == (0, 2, 0, {2: RejectCode.DUPLICATE_VALUE})


def test_a_refused_key_is_not_taken_for_one_of_ours_afterwards(live: Live) -> None:
    live.apply([item(50, name="name 8")])
    live.collection.insert_one(item(50))  # the application writes under that key
    assert live.foreign() == ["item-00050"]


def test_what_the_validator_refuses_is_named_and_the_others_are_written(live: Live) -> None:
    live.collection.database.command("collMod", "items", validator={"note": {"$ne": "bad"}})
    swap = [item(2, name="name 7", note="bad"), item(7, name="name 2")]
    applied = live.apply([item(1, note="bad"), item(50, note="bad"), item(51), *swap])
    assert _counts(applied) == (
        0,
        0,
        1,
        {
            0: RejectCode.REFUSED_BY_SERVER,
            1: RejectCode.REFUSED_BY_SERVER,
            3: RejectCode.REFUSED_BY_SERVER,
            4: RejectCode.DUPLICATE_VALUE,
        },
    )
    assert live.collection.find_one("item-00001") == item(1)
    assert live.known() == 11


def test_a_document_over_16_mib_is_refused_and_the_others_are_written(live: Live) -> None:
    applied = live.apply([item(50, note="x" * (16 * 1024 * 1024)), item(51)])
    assert _counts(applied) == (0, 0, 1, {0: RejectCode.TOO_LARGE})


@pytest.mark.parametrize("stored", [1.0, Decimal128("1.00"), Int64(1)])
def test_a_document_whose_key_has_another_number_type_gets_the_right_one(
    world: World, target: Target, stored: Any
) -> None:
    world.write("numbers", [(1, "one"), (2, "two")])
    world.reload(NUMBERS)
    live = Live(world, target, NUMBERS)
    live.collection.delete_one({"_id": 1})
    live.collection.insert_one({"_id": stored, "name": "one"})
    assert _counts(live.apply([{"_id": 1, "name": "one"}])) == (0, 1, 0, {})
    by_index = b"".join(live.collection.find_raw_batches({}, {"_id": 1}).hint([("_id", 1)]))
    assert by_index == bson.encode({"_id": 1}) + bson.encode({"_id": 2})
    assert live.raw()[0] == bson.encode({"_id": 1, "name": "one"})
    assert live.foreign() == []


def test_keys_of_several_types_and_with_several_fields_are_found_again(live: Live) -> None:
    keys: list[Any] = [7, 7.5, None, True, bson.ObjectId(), {"a": 1, "b": "x"}, bson.Binary(b"\x01\x02")]
    documents = [{"_id": key, "name": repr(key), "team": "t", "slot": n} for n, key in enumerate(keys)]
    assert _counts(live.apply(documents)) == (0, 0, len(keys), {})
    assert live.foreign() == []
    assert _counts(live.apply(deletes=keys)) == (len(keys), 0, 0, {})
    assert live.known() == 10


def test_a_key_is_known_to_the_ledger_before_its_document_is_there_and_until_it_is_gone(
    world: World, live: Live
) -> None:
    live_only = {"namespace": live.collection.full_name, "errorCode": 2}
    with failing(world.client, ["update"], **live_only), pytest.raises(OperationFailure):
        live.apply([item(50)])
    assert live.known() == 11  # a document that had got through would not be foreign
    assert live.collection.count_documents({}) == 10
    with failing(world.client, ["delete"], **live_only), pytest.raises(OperationFailure):
        live.apply(deletes=["item-00003"])
    assert live.known() == 11
    assert live.foreign() == []


@pytest.mark.parametrize("command", ["update", "delete", "aggregate", "commitTransaction", "insert"])
def test_a_connection_that_breaks_in_any_command_is_got_over(world: World, live: Live, command: str) -> None:
    swap = [item(2, name="name 7"), item(7, name="name 2"), item(50)]
    on = {} if command == "commitTransaction" else {"namespace": live.collection.full_name}
    with failing(world.client, [command], times=3, closeConnection=True, **on) as before:
        applied = live.apply(swap, deletes=["item-00000"])
    with failing(world.client, [command], times=1, closeConnection=True) as met:
        assert met - before == 3
    assert applied.refused == {}
    expected = {f"item-{n:05}" for n in (*range(1, 10), 50)}
    assert {one["_id"] for one in live.collection.find()} == expected
    assert [live.collection.find_one(one["_id"]) for one in swap] == swap
    assert live.known() == len(expected)


def test_a_write_concern_that_is_not_met_is_tried_again(world: World, live: Live) -> None:
    concern = {"code": 64, "errmsg": "waiting for replication timed out"}
    with failing(
        world.client, ["update", "delete"], times=2, writeConcernError=concern, namespace=live.collection.full_name
    ):
        applied = live.apply([item(50), item(3, note="changed")], deletes=["item-00000"])
    assert applied.refused == {}
    assert live.collection.find_one("item-00050") == item(50)
    assert live.known() == live.collection.count_documents({}) == 10


def test_a_table_that_was_never_published_is_refused(world: World, target: Target) -> None:
    with pytest.raises(TargetError, match="never published"):
        Live(world, target, ITEMS).apply([item(1)])
    assert world.live["items"].count_documents({}) == 0


def test_documents_can_be_added_to_a_table_that_was_published_empty(world: World, target: Target) -> None:
    world.write("items", [])
    world.reload()
    live = Live(world, target, ITEMS)
    assert _counts(live.apply([item(5), item(1)])) == (0, 0, 2, {})
    assert live.foreign() == []
    world.write("items", items(10))
    assert world.reload().kept_foreign == 0
