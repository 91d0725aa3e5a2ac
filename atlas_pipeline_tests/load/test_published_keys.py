"""What the ledger knows of the keys of a published table, and what reading it costs the server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pymongo.database import Database

from atlas_pipeline.load import published_keys
from atlas_pipeline.load.published_keys import PublishedKeys
from atlas_pipeline.load.range_store import RangeStore
from atlas_pipeline_tests.load.reload_once import cut
from atlas_pipeline_tests.load.small import ITEMS, World, items

OF_RUN = ("small.items", "one")


@pytest.fixture
def ledger(world: World, monkeypatch: pytest.MonkeyPatch) -> Database[dict[str, Any]]:
    """The ledger of 95 items in ranges of ten."""
    cut(monkeypatch, batch_rows=10, range_documents=10)
    world.write("items", items(95))
    world.reload(ITEMS, run_id="one")
    return world.ledger


def _asked(database: Database[dict[str, Any]], work: Callable[[], None]) -> dict[str, Any]:
    """What the server noted of the only query for ranges that this makes."""
    database.command("profile", 2)
    try:
        work()
    finally:
        database.command("profile", 0)
    (asked,) = database["system.profile"].find({"ns": database["ranges"].full_name, "op": "query"})
    return asked


def test_keys_are_counted_without_reading_them(ledger: Database[dict[str, Any]]) -> None:
    def count() -> None:
        assert PublishedKeys(ledger["ranges"], *OF_RUN).count() == 95

    asked = _asked(ledger, count)
    assert asked["nreturned"] >= 9  # of ranges
    assert asked["docsExamined"] == 0


def test_ranges_are_read_in_order_without_sorting_their_keys(ledger: Database[dict[str, Any]]) -> None:
    def read() -> None:
        first = [one.first for one in RangeStore(ledger["ranges"], *OF_RUN).all()]
        assert len(first) >= 9
        assert first == sorted(first)

    assert not _asked(ledger, read).get("hasSortStage", False)


def test_keys_of_more_ranges_than_are_read_together_are_known(
    ledger: Database[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(published_keys, "RANGES_AT_ONCE", 2)
    keys = PublishedKeys(ledger["ranges"], *OF_RUN)
    there = [row[0] for row in items(95)]
    assert keys.unknown([*there, "item-99999"]) == {95}
    assert keys.learn([*there, "item-00000-a", "item-00090-a"]).keys() == {95, 96}
    keys.forget(there[::2])
    assert keys.unknown(there) == set(range(0, 95, 2))
    assert keys.count() == 95 + 2 - 48
