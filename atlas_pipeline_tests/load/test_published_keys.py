"""What the ledger knows of the keys of a published table."""

from __future__ import annotations

import pytest

from atlas_pipeline.load import published_keys
from atlas_pipeline.load.published_keys import PublishedKeys
from atlas_pipeline.load.range_store import RangeStore
from atlas_pipeline_tests.load.reload_once import cut
from atlas_pipeline_tests.load.small import ITEMS, World, items


def test_keys_are_counted_without_reading_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, batch_rows=10, range_documents=10)
    world.write("items", items(45))
    world.reload(ITEMS, run_id="one")
    database = world.ledger
    database.command("profile", 2)
    try:
        assert PublishedKeys(database["ranges"], "small.items", "one").count() == 45
    finally:
        database.command("profile", 0)
    (asked,) = database["system.profile"].find({"ns": database["ranges"].full_name, "op": "query"})
    assert asked["nreturned"] >= 5  # of ranges
    assert asked["docsExamined"] == 0


def test_ranges_are_read_in_order_without_sorting_their_keys(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, batch_rows=10, range_documents=10)
    world.write("items", items(45))
    world.reload(ITEMS, run_id="one")
    database = world.ledger
    database.command("profile", 2)
    try:
        found = list(RangeStore(database["ranges"], "small.items", "one").all())
    finally:
        database.command("profile", 0)
    assert [one.first for one in found] == sorted(one.first for one in found)
    (asked,) = database["system.profile"].find({"ns": database["ranges"].full_name, "op": "query"})
    assert (asked["nreturned"], asked.get("hasSortStage", False)) == (len(found), False)


def test_keys_of_more_ranges_than_are_read_together_are_all_known(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(monkeypatch, batch_rows=10, range_documents=10)
    monkeypatch.setattr(published_keys, "RANGES_AT_ONCE", 2)
    world.write("items", items(95))
    world.reload(ITEMS, run_id="one")
    keys = PublishedKeys(world.ledger["ranges"], "small.items", "one")
    there = [row[0] for row in items(95)]
    assert keys.unknown([*there, "item-99999"]) == {95}
    assert keys.learn([*there, "item-00000-a", "item-00090-a"]).keys() == {95, 96}
    keys.forget(there[::2])
    assert keys.unknown(there) == set(range(0, 95, 2))
    assert keys.count() == 95 + 2 - 48
