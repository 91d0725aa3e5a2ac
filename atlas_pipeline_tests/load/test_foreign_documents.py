"""Documents that the application wrote into a live collection: listed, kept or deleted, and never lost by surprise."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp
from bson.binary import Binary

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load import ranges
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import ITEMS, NUMBERS, SEATS, World, items, policy

KEEP = policy(ITEMS, foreign_documents="keep")
DELETE = policy(ITEMS, foreign_documents="delete")

STRANGE_IDS: list[Any] = [
    ObjectId("507f1f77bcf86cd799439011"),
    7,
    Int64(2**40),
    7.5,
    Decimal128("1.5"),
    None,
    True,
    Binary(b"item-00003"),
    {"id": "item-00003"},
    Timestamp(1, 1),
    MinKey(),
    MaxKey(),
]


def _write_as_application(world: World, identifier: Any, **fields: Any) -> dict[str, Any]:
    name = f"by the application {identifier!r}"
    document = {"_id": identifier, "name": name, "team": name, "slot": 0, **fields}
    world.live["items"].insert_one(document)
    return document


def _refused_for(world: World, table: TableSpec, identifiers: list[Any]) -> None:
    """The reload is refused, and the refusal lists exactly these documents."""
    with pytest.raises(TargetError, match=f"{len(identifiers)} foreign documents") as refused:
        world.reload(table)
    as_read = bson.decode(bson.encode({"ids": identifiers}))["ids"]
    assert [identifier for identifier in as_read if repr(identifier) not in refused.value.message] == []


def test_foreign_documents_stop_a_reload_are_listed_and_nothing_is_changed(world: World) -> None:
    world.write("items", items(50))
    world.reload()
    for number in range(25):
        _write_as_application(world, f"app-{number:02}")
    before = world.digest()
    with pytest.raises(TargetError) as refused:
        world.reload(run_id="refused", force=True)
    message = str(refused.value)
    assert "items holds 25 foreign documents" in message
    assert all(f"'app-{number:02}'" in message for number in range(20))
    assert "and 5 more" in message
    assert "foreign_documents" in refused.value.cure
    assert world.digest() == before
    assert world.stagings() == []
    assert "foreign" in world.run("refused")["error"]


def test_a_collection_that_this_pipeline_never_published_is_all_foreign(world: World) -> None:
    world.live["items"].insert_many([{"_id": f"item-{n:05}"} for n in range(3)])
    before = world.digest()
    world.write("items", items(3))
    with pytest.raises(TargetError, match="3 foreign documents"):
        world.reload()
    assert world.digest() == before


def test_foreign_ids_of_any_type_are_seen(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    for identifier in STRANGE_IDS:
        _write_as_application(world, identifier)
    _refused_for(world, ITEMS, STRANGE_IDS)
    assert world.live["items"].count_documents({}) == 10 + len(STRANGE_IDS)


def test_foreign_ids_are_seen_among_integer_keys(world: World) -> None:
    world.write("numbers", [(n * 10, "a number") for n in range(-5, 5)])
    world.reload(NUMBERS)
    planted = [5, 2.5, 10.5, float("inf"), "text", ObjectId("507f1f77bcf86cd799439011"), Decimal128("5.5")]
    world.live["numbers"].insert_many([{"_id": identifier} for identifier in planted])
    _refused_for(world, NUMBERS, planted)


def test_foreign_ids_are_seen_among_composite_keys(world: World) -> None:
    world.write("seats", [(room, seat, "somebody") for room in "ab" for seat in (1, 2)])
    world.reload(SEATS)
    planted = [{"room": "a", "seat": 3}, {"seat": 1, "room": "a"}, {"room": "a"}, "a"]
    world.live["seats"].insert_many([{"_id": identifier} for identifier in planted])
    _refused_for(world, SEATS, planted)


def test_foreign_documents_between_and_around_many_key_ranges_are_seen(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "RANGE_DOCUMENTS", 2_000)
    world.write("items", items(9_000))
    world.reload()
    assert world.ledger["ranges"].count_documents({}) > 3
    planted = ["a", "item-00000a", "item-01999a", "item-02000a", "item-08999a", "z", 1, None]
    for identifier in planted:
        _write_as_application(world, identifier)
    _refused_for(world, ITEMS, planted)


def test_kept_documents_are_carried_through_every_reload_byte_for_byte(world: World) -> None:
    world.write("items", items(50))
    world.reload(KEEP)
    kept = [_write_as_application(world, identifier) for identifier in STRANGE_IDS]
    of_application = {"name": {"$regex": "^by the application"}}
    before = list(world.live["items"].find_raw_batches(of_application).sort("_id", 1))
    for generation in ("second", "third"):
        world.write("items", items(50, note=generation))
        facts = world.reload(KEEP)
        assert (facts.loaded, facts.kept_foreign) == (50, len(kept))
        assert list(world.live["items"].find_raw_batches(of_application).sort("_id", 1)) == before
        assert world.live["items"].count_documents({"note": generation}) == 50
        assert world.live["items"].count_documents({}) == 50 + len(kept)


def test_more_kept_documents_than_one_batch_are_all_carried_over(world: World) -> None:
    world.write("items", items(3))
    world.reload(KEEP)
    world.live["items"].insert_many([{"_id": n, "name": n, "team": "app", "slot": n} for n in range(1_234)])
    assert world.reload(KEEP).kept_foreign == 1_234
    assert world.live["items"].count_documents({"team": "app"}) == 1_234


def test_a_document_that_the_application_writes_after_the_checks_is_kept_too(world: World) -> None:
    world.write("items", items(10))
    world.reload(KEEP)
    _write_as_application(world, "early")

    def write_and_change(_reload: Reload) -> None:
        _write_as_application(world, "late")
        world.live["items"].update_one({"_id": "early"}, {"$set": {"changed": True}})

    facts = world.reload(KEEP, after_build=write_and_change)
    assert world.live["items"].find_one({"_id": "late"}) is not None
    assert world.live["items"].find_one({"_id": "early"})["changed"]
    assert facts.kept_foreign == 2


def test_a_document_that_the_application_writes_after_the_checks_stops_the_swap(world: World) -> None:
    world.write("items", items(10))
    world.reload()

    def write(_reload: Reload) -> None:
        _write_as_application(world, "late")

    with pytest.raises(TargetError, match=r"1 foreign documents.*'late'"):
        world.reload(after_build=write)
    assert world.live["items"].find_one({"_id": "late"}) is not None
    assert world.live["items"].count_documents({}) == 11


def test_a_kept_document_that_clashes_with_a_row_stops_the_reload(world: World) -> None:
    world.write("items", items(10))
    world.reload(KEEP)
    _write_as_application(world, "app", team="team 3", slot=10)
    before = world.digest()
    world.write("items", items(11))  # row 10 claims the same place
    with pytest.raises(TargetError, match=r"clashes with a loaded row on team, slot.*Cure"):
        world.reload(KEEP)
    assert world.digest() == before


def test_foreign_documents_are_deleted_only_when_the_policy_says_so(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    _write_as_application(world, "app")
    assert world.reload(DELETE).loaded == 10
    assert world.live["items"].find_one({"_id": "app"}) is None
    assert world.live["items"].count_documents({}) == 10


def test_a_row_that_the_application_deleted_and_wrote_again_is_no_foreign_document(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    as_loaded = world.live["items"].find_one({"_id": "item-00004"})
    world.live["items"].delete_one({"_id": "item-00004"})
    world.live["items"].insert_one({"_id": "item-00004", "name": "by the application"})
    assert world.reload().loaded == 10
    assert world.live["items"].find_one({"_id": "item-00004"}) == as_loaded


@pytest.mark.parametrize("written", [3, Int64(3), 3.0], ids=["int32", "int64", "double"])
def test_a_row_written_again_under_another_width_of_its_number_is_no_foreign_document(
    world: World, written: Any
) -> None:
    world.write("numbers", [(n, "a number") for n in range(5)])
    world.reload(NUMBERS)
    world.live["numbers"].delete_one({"_id": 3})
    world.live["numbers"].insert_one({"_id": written, "name": "by the application"})
    assert world.reload(NUMBERS).loaded == 5
    assert world.live["numbers"].find_one({"_id": 3})["name"] == "a number"


def test_a_row_that_left_the_source_leaves_the_collection_and_is_no_foreign_document(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    world.write("items", items(9))
    assert world.reload().loaded == 9
    assert world.live["items"].find_one({"_id": "item-00009"}) is None


def test_a_document_under_the_key_of_a_row_that_never_was_a_document_is_foreign(world: World) -> None:
    bad = ("item-00099", "name 1", "team x", 1, None)  # repeats a name, so it is in quarantine and was never loaded
    world.write("items", [*items(10), bad])
    assert world.reload().quarantined == 1
    _write_as_application(world, "item-00099", team="app", slot=0)
    with pytest.raises(TargetError, match=r"1 foreign documents.*'item-00099'"):
        world.reload()
