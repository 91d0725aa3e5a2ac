"""`kill -9` at any moment of a repair: nothing wrong is left, no row is lost, and running it again finishes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.load.foreign import foreign_ids
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.load.faults import held
from atlas_pipeline_tests.load.small import World, items
from atlas_pipeline_tests.reconcile.repairing import (
    accounted,
    change,
    key,
    opened,
    published,
    repair,
    repairing,
    verify,
)

ROWS = 1_300
GONE = range(10)
REFUSED = range(10, 15)
MISSING = range(20, 30)
WRONG = range(100, 900)

MOMENTS: dict[str, tuple[str, str, int | None]] = {
    "before it says that it began": ("update", "{database}_pipeline.runs", None),
    "before rows go into the quarantine": ("insert", "{database}_pipeline.quarantine", None),
    "before documents are deleted": ("delete", "{database}.items", None),
    "before the ledger forgets their keys": ("update", "{database}_pipeline.ranges", None),
    "before documents are written": ("update", "{database}.items", None),
    "before the second part is written": ("update", "{database}.items", 1),
    "before the ledger counts": ("update", "{database}_pipeline.tables", 1),
    "before it is forgotten that they differed": ("delete", "{database}_pipeline.differences", None),
    "before the second part is forgotten": ("delete", "{database}_pipeline.differences", 1),
}
"""Moment -> the command that is not carried out then, on which namespace, and how many such commands pass first."""


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """Items that differ from their source in every way, and were verified."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    made.write("items", items(ROWS))
    made.reload()
    change(made, "DELETE FROM items WHERE id <= ?", key(GONE[-1]))
    change(made, "UPDATE items SET name = NULL WHERE id IN (?, ?, ?, ?, ?)", *map(key, REFUSED))
    made.live["items"].delete_many({"_id": {"$in": list(map(key, MISSING))}})
    made.live["items"].update_many({"_id": {"$in": list(map(key, WRONG))}}, {"$set": {"note": "changed"}})
    assert verify(made).tally.differences == sum(map(len, (GONE, REFUSED, MISSING, WRONG)))
    yield made
    made.drop()


def require_nothing_wrong(world: World) -> None:
    """Each document is as it was planted or as its row says; each refused row has a document or an entry."""
    there = {one["_id"]: one["note"] for one in world.live["items"].find()}
    quarantined = [entry["key"][0] for entry in world.ledger["quarantine"].find()]
    assert len(quarantined) == len(set(quarantined))
    for number in REFUSED:
        assert key(number) in there or key(number) in quarantined
    assert {key(n) for n in range(REFUSED[-1] + 1, ROWS) if n not in MISSING} <= set(there)
    assert {key(n) for n in WRONG} >= {name for name, note in there.items() if note == "changed"}
    with opened(world, world.catalog.table("items")) as both, both.sides() as sides:
        assert list(foreign_ids(sides.collection, sides.ledger.published_ranges(), comment="")) == []


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_repair_leaves_nothing_wrong_and_the_next_one_finishes(world: World, moment: str) -> None:
    command, on, skip = MOMENTS[moment]
    namespace = on.format(database=world.database)
    with held(world.client, command, skip=skip, namespace=namespace) as waiting, repairing(world) as process:
        waiting.wait()
        assert process.poll() is None
        process.kill()
        process.wait()
        require_nothing_wrong(world)
    require_nothing_wrong(world)
    repaired = repair(world)
    assert repaired.complete
    assert verify(world).strictly_equal
    assert world.quarantined("key", "code") == [([key(n)], "null_value") for n in REFUSED]
    assert accounted(world)
    assert published(world)["documents"] == ROWS - len(GONE) - len(REFUSED)
    assert world.ledger["tables"].find_one({"_id": "small.items"})["lease"] is None
    require_nothing_wrong(world)
