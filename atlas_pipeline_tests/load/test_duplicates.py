"""Rows that claim what another row has: the lowest key stays, the others are in quarantine, each once."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from atlas_pipeline_tests.load.small import DDL, ITEMS, NUMBERS, World, items, policy


def test_of_rows_that_repeat_a_unique_value_the_lowest_key_stays(world: World) -> None:
    claims = [(f"claim-{n}", "name 3", "claims", 100 + n, None) for n in range(4)]
    world.write("items", [*claims, *items(10)])
    facts = world.reload()
    assert world.live["items"].find_one({"name": "name 3"})["_id"] == "claim-0"
    losers = ["claim-1", "claim-2", "claim-3", "item-00003"]
    assert world.quarantined() == [([key], "name", "duplicate_value") for key in losers]
    assert "lower key" in world.quarantined("reason")[0][0]
    assert (facts.source_rows, facts.loaded, facts.quarantined) == (14, 10, 4)
    assert world.live["items"].count_documents({}) == 10


def test_a_composite_unique_index_names_all_its_columns(world: World) -> None:
    world.write("items", [*items(10), ("item-9", "another name", "team 3", 3, None)])
    facts = world.reload()
    assert world.quarantined() == [(["item-9"], "team, slot", "duplicate_value")]
    assert (facts.loaded, facts.quarantined) == (10, 1)


def test_null_counts_as_a_value_under_a_unique_index(world: World) -> None:
    world.write("items", [(f"item-{n}", f"name {n}", "one team", None, None) for n in range(3)])
    world.reload()
    assert [key for key, *_ in world.quarantined()] == [["item-1"], ["item-2"]]


def test_a_row_that_loses_under_one_index_frees_its_value_under_the_next(world: World) -> None:
    rows = [
        ("a", "shared", "team", 1, None),
        ("b", "shared", "team", 2, None),  # loses its name to a, so its place is free
        ("c", "own", "team", 2, None),
    ]
    world.write("items", rows)
    world.reload()
    assert world.live["items"].distinct("_id") == ["a", "c"]
    assert world.quarantined() == [(["b"], "name", "duplicate_value")]


def test_more_duplicates_than_one_batch_are_each_in_quarantine_once(world: World) -> None:
    world.write("items", [(f"item-{n:05}", f"name {n % 3}", f"team {n}", n, None) for n in range(2_500)])
    facts = world.reload(policy(ITEMS, max_shrink_percent=100))
    assert (facts.loaded, facts.quarantined) == (3, 2_497)
    keys = {key[0] for (key,) in world.quarantined("key")}
    assert len(keys) == world.ledger["quarantine"].count_documents({}) == 2_497
    assert world.live["items"].distinct("_id") == ["item-00000", "item-00001", "item-00002"]


def test_running_again_doubles_nothing_and_a_repaired_row_leaves_the_quarantine(world: World) -> None:
    bad = [("item-8", "name 1", "team x", 8, None), ("item-9", None, "team x", 9, None)]
    world.write("items", [*items(10), *bad])
    world.reload()
    first = world.quarantined("key", "code", "first_seen", "published")
    assert [entry[:2] for entry in first] == [(["item-8"], "duplicate_value"), (["item-9"], "null_value")]
    world.reload()
    assert world.quarantined("key", "code", "first_seen", "published") == first
    assert all(last > first_seen for first_seen, last in world.quarantined("first_seen", "last_seen"))
    world.write("items", [*items(10), bad[0], ("item-9", "a name", "team x", 9, None)])
    world.reload()
    assert world.quarantined() == [(["item-8"], "name", "duplicate_value")]
    assert world.live["items"].find_one({"_id": "item-9"})["name"] == "a name"


def test_the_digest_of_a_reload_with_duplicates_is_that_of_what_stayed(world: World) -> None:
    world.write("items", [*items(10), ("item-9", "name 1", "team x", 9, None)])
    with_duplicate = world.reload()
    world.write("items", items(10))
    assert world.reload().digest == with_duplicate.digest


@pytest.mark.parametrize("copies", [2, 5])
def test_rows_with_the_same_key_become_one_document(world: World, copies: int) -> None:
    world.write("numbers", [])
    with closing(sqlite3.connect(world.source)) as connection, connection:
        connection.execute("DROP TABLE numbers")
        connection.execute(DDL[1].replace(" PRIMARY KEY", ""))
        for copy in range(copies):
            connection.execute("INSERT INTO numbers VALUES (7, ?)", [f"copy {copy}"])
        connection.execute("INSERT INTO numbers VALUES (8, 'alone')")
    facts = world.reload(NUMBERS)
    assert (facts.source_rows, facts.duplicate_keys, facts.loaded, facts.quarantined) == (
        copies + 1,
        copies,
        2,
        copies - 1,
    )
    assert world.quarantined() == [([7], "id", "duplicate_value")] * (copies - 1)
    assert world.live["numbers"].distinct("_id") == [7, 8]
