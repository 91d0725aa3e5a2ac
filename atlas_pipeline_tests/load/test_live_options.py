"""What the live collection has beside documents is carried over by a swap, or the swap is refused."""

from __future__ import annotations

from typing import Any

import pytest
from pymongo import IndexModel

from atlas_pipeline.errors import TargetError
from atlas_pipeline_tests.load.small import World, items

VALIDATOR = {"$jsonSchema": {"properties": {"slot": {"maximum": 1_000}}}}
STRANGERS = {
    "plain": IndexModel([("note", 1), ("slot", -1)], name="plain"),
    "unique": IndexModel([("slot", 1)], name="unique", unique=True),
    "sparse": IndexModel([("missing", 1)], name="sparse", sparse=True),
    "partial": IndexModel([("slot", 1)], name="partial", partialFilterExpression={"slot": {"$gt": 5}}),
    "ttl": IndexModel([("expires", 1)], name="ttl", expireAfterSeconds=3_600),
    "hidden": IndexModel([("team", 1)], name="hidden", hidden=True),
    "collation": IndexModel([("name", 1)], name="collation", collation={"locale": "de", "strength": 2}),
    "text": IndexModel([("note", "text")], name="text", weights={"note": 3}, default_language="german"),
    "2dsphere": IndexModel([("place", "2dsphere")], name="2dsphere"),
    "hashed": IndexModel([("name", "hashed")], name="hashed"),
    "wildcard": IndexModel([("$**", 1)], name="wildcard", wildcardProjection={"extra": 1}),
}
NOT_REPLACEABLE: dict[str, dict[str, Any]] = {
    "capped": {"capped": True, "size": 100_000},
    "collation": {"collation": {"locale": "en", "strength": 2}},
    "timeseries": {"timeseries": {"timeField": "at"}},
    "clusteredIndex": {"clusteredIndex": {"key": {"_id": 1}, "unique": True}},
    "view": {"viewOn": "others", "pipeline": []},
}


def _indexes(world: World) -> dict[str, str]:
    return {one["name"]: repr(sorted(one.items())) for one in world.live["items"].list_indexes()}


def test_validator_and_options_of_the_live_collection_are_carried_over(world: World) -> None:
    world.write("items", items(20))
    world.reload()
    world.live.command(
        "collMod",
        "items",
        validator=VALIDATOR,
        validationLevel="moderate",
        validationAction="error",
        changeStreamPreAndPostImages={"enabled": True},
    )
    (before,) = world.live.list_collections(filter={"name": "items"})
    assert len(before["options"]) == 4
    for _ in range(2):
        world.reload()
        (after,) = world.live.list_collections(filter={"name": "items"})
        assert after["options"] == before["options"]
        assert after["info"]["uuid"] != before["info"]["uuid"]  # it is the new collection


@pytest.mark.parametrize("action", ["error", "warn"])
def test_rows_that_the_carried_validator_refuses_go_to_quarantine(world: World, action: str) -> None:
    world.write("items", items(20))
    world.reload()
    world.live.command("collMod", "items", validator=VALIDATOR, validationAction=action)
    world.write("items", [*items(20), ("item-9", "much too far", "team", 5_000, None)])
    facts = world.reload()
    refused = [(["item-9"], "", "refused_by_server")] if action == "error" else []
    assert world.quarantined() == refused
    assert (facts.quarantined, facts.loaded) == (len(refused), 21 - len(refused))
    assert world.live["items"].count_documents({}) == facts.loaded


def test_indexes_outside_the_spec_are_carried_over_as_they_are(world: World) -> None:
    world.write("items", items(20))
    world.reload()
    world.live["items"].create_indexes(list(STRANGERS.values()))
    before = _indexes(world)
    assert len(before) == len(STRANGERS) + 3
    assert sorted(world.reload().carried_indexes) == sorted(STRANGERS)
    assert _indexes(world) == before


def test_an_index_of_the_spec_that_the_live_collection_has_is_there_at_the_swap(world: World) -> None:
    world.write("items", items(20))
    world.reload()
    assert "by_note" not in _indexes(world)  # not unique: left to the index asset
    world.live["items"].create_index("note", name="by_note")
    assert world.reload().carried_indexes == []
    assert "by_note" in _indexes(world)


def test_a_unique_index_outside_the_spec_that_the_new_documents_break_stops_the_swap(world: World) -> None:
    world.write("items", items(20))
    world.reload()
    world.live["items"].create_indexes([STRANGERS["unique"]])
    before = world.digest()
    world.write("items", [*items(20), ("item-9", "another name", "another team", 7, None)])
    with pytest.raises(TargetError, match=r"new documents break unique index unique, which is not in the spec.*Cure"):
        world.reload()
    assert world.digest() == before


def test_a_live_index_on_the_keys_of_a_specified_one_stops_the_swap_and_is_named(world: World) -> None:
    world.live["items"].create_index("name", name="made_by_the_application", unique=True)
    before = world.digest()
    world.write("items", items(20))
    with pytest.raises(TargetError, match=r"made_by_the_application.*by_name.*Cure"):
        world.reload()
    assert world.digest() == before


@pytest.mark.parametrize("kind", NOT_REPLACEABLE)
def test_a_collection_that_a_rename_cannot_replace_is_refused(world: World, kind: str) -> None:
    world.live.create_collection("items", **NOT_REPLACEABLE[kind])
    (before,) = world.live.list_collections(filter={"name": "items"})
    names = set(world.live.list_collection_names())
    world.write("items", items(5))
    with pytest.raises(TargetError, match=rf"{world.database}\.items is a .*{kind}.*Cure"):
        world.reload(run_id="refused")
    assert list(world.live.list_collections(filter={"name": "items"})) == [before]
    assert set(world.live.list_collection_names()) == names
    assert kind in world.run("refused")["error"]
