"""Verifying, repairing and planning tables of the small source: in this process, or as a program that tests can kill.

`python -m atlas_pipeline_tests.reconcile.repairing URI FOLDER DATABASE TABLE`; it prints what the repair did. What does
not belong here: what is planted, and what is expected.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import bson
from pymongo import MongoClient

from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.load.foreign import foreign_ids
from atlas_pipeline.load.target import Target
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.plan import plan_table
from atlas_pipeline.reconcile.plan_result import TablePlan
from atlas_pipeline.reconcile.repair import repair_table
from atlas_pipeline.reconcile.repair_result import Request, TableRepair
from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline.reconcile.verify import Request as HowToVerify
from atlas_pipeline.reconcile.verify import verify_table
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import ITEMS, World
from atlas_pipeline_tests.programs import started


@contextmanager
def opened(world: World, table: TableSpec, source: Source | None = None) -> Iterator[Opened]:
    """Source and target of a table of the small source."""
    with Target(world.uri) as target:
        yield Opened(catalog=world.catalog, table=table, source=source or world.sqlite, target=target)


def verify(world: World, table: TableSpec = ITEMS, **how: Any) -> TableVerification:
    """A verification. Nobody changes anything meanwhile, so nothing is waited for."""
    with opened(world, table) as both:
        return verify_table(both, HowToVerify(wait_seconds=0, **how))


def repair(world: World, table: TableSpec = ITEMS, source: Source | None = None, **how: Any) -> TableRepair:
    """A repair of what was verified."""
    with opened(world, table, source) as both:
        return repair_table(both, Request(sealer=world.sealer, **how))


def plan(world: World, table: TableSpec = ITEMS) -> TablePlan:
    """What a sync of the table would do."""
    with opened(world, table) as both:
        return plan_table(both)


def did(repaired: TableRepair) -> tuple[int, int, int, int, int]:
    """Inserted, replaced, deleted, quarantined, left."""
    return (
        repaired.inserted,
        repaired.replaced,
        repaired.deleted,
        repaired.quarantined,
        repaired.left.count,
    )


def key(number: int) -> str:
    return f"item-{number:05}"


def published(world: World, table: str = "items") -> dict[str, Any]:
    found = world.ledger["tables"].find_one({"_id": f"small.{table}"})
    assert found is not None
    return dict(found["published"])


def accounted(world: World, table: str = "items") -> bool:
    """Whether documents, their keys in the ledger and the rows in quarantine make up the source rows."""
    documents = world.live[table].count_documents({})
    quarantined = world.ledger["quarantine"].count_documents({"collection": table, "published": True})
    known = published(world, table)
    with opened(world, world.catalog.table(table)) as both, both.sides() as sides:
        foreign = list(foreign_ids(sides.collection, sides.ledger.published_ranges(), comment=""))
        rows = sides.snapshot.count(sides.table)
    return (
        rows == documents + quarantined
        and (known["documents"], known["quarantined"]) == (documents, quarantined)
        and foreign == []
    )


def change(world: World, statement: str, *values: Any) -> None:
    """Let the application change its source."""
    with closing(sqlite3.connect(world.source)) as connection, connection:
        connection.execute(statement, values)


def touched(world: World, collection: str, since: bson.Timestamp) -> dict[str, list[Any]]:
    """`_id`s by operation that changed documents of a collection after a moment, as the server's oplog has them."""
    found: dict[str, list[Any]] = {"i": [], "u": [], "d": []}
    for entry in world.client.local["oplog.rs"].find({"ts": {"$gt": since}}).sort("$natural", 1):
        for one in entry["o"].get("applyOps", [entry]):
            if one["ns"] == f"{world.database}.{collection}":
                found[one["op"]].append((one["o2"] if one["op"] == "u" else one["o"])["_id"])
    return found


def now(world: World) -> bson.Timestamp:
    """The server's present moment in its oplog."""
    (latest,) = world.client.local["oplog.rs"].find({}, {"ts": 1}).sort("$natural", -1).limit(1)
    moment: bson.Timestamp = latest["ts"]
    return moment


@contextmanager
def repairing(world: World, table: str = "items") -> Iterator[subprocess.Popen[str]]:
    """Another process that repairs a table; it is dead at the latest when the context ends."""
    with started(__name__, world.uri, world.folder, world.database, table) as process:
        yield process


def _main(uri: str, folder: str, database: str, table: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        world = World(uri=uri, folder=Path(folder), client=client, database=database)
        sys.stdout.write(json.dumps(repair(world, world.catalog.table(table)).as_json()))


if __name__ == "__main__":
    _main(*sys.argv[1:])
