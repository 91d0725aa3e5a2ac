"""What the ledger knows of the keys of a published table."""

from __future__ import annotations

import pytest

from atlas_pipeline.load.published_keys import PublishedKeys
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
