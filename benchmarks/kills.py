"""Syncs that are killed in every phase, and whether the next one brings everything in step.

    python -m benchmarks.kills --kills 8

For each way of syncing a table (reload, reconcile, by cursor) the source is changed, a sync is started in a process of
its own and killed with SIGKILL as soon as the ledger says that it is in the wanted phase, after a random moment. Then
one more sync runs; all values are verified, and what must not be left is looked for. The phase that counts is the one
that the ledger recorded. Prints one JSON value; the exit code says whether all of it held.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import signal
import sqlite3
import tempfile
import time
import uuid
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

IN_PLACE = ("read", "apply", "check", "ledger")
PHASES = {
    "reload": ("read", "load", "check", "index", "rename", "ledger"),
    "reconcile": IN_PLACE,
    "watermark": IN_PLACE,
}
ROWS, CHANGES = 20_000, 300
MOST_TRIES = 12
"""Tries for each kill that is wanted: a short phase is often missed."""
_PRELOAD = [
    "atlas_pipeline.orchestration.table_sync",
    "atlas_pipeline.quality.project",
    "atlas_pipeline.reconcile.verify",
    "great_expectations",
    "benchmarks.kills",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a campaign takes place.

    Attributes:
        folder: Source file, suites and state.
        uri: The server.
    """

    folder: Path
    uri: str

    @property
    def source(self) -> Path:
        return self.folder / "source.sqlite3"


def table_of(way: str) -> Any:
    """The table, synced in this way."""
    from atlas_pipeline.spec.shorthand import index, integer, text, unique, utc
    from atlas_pipeline.spec.sync import Cursor, SyncPolicy
    from atlas_pipeline.spec.tables import TableSpec

    cursor = Cursor(column="changed") if way == "watermark" else None
    mode: Any = way
    return TableSpec(
        source="lines",
        collection="lines",
        key=("id",),
        columns=(text("id", 36), text("name", 80), integer("slot"), utc("changed", sql_type="TIMESTAMP")),
        indexes=(unique("by_slot", "slot"), index("by_name", "name")),
        sync=SyncPolicy(mode=mode, cursor=cursor),
    )


def catalog_of(way: str) -> Any:
    """Its catalog, with a target database of its own."""
    from atlas_pipeline.spec.catalogs import CatalogSpec

    return CatalogSpec(
        name="kills",
        dialect="sqlite",
        source_variable="KILLS_DB_URL",
        database=f"kills_{way}",
        tables=(table_of(way),),
    )


def sync(place: Place, way: str) -> dict[str, Any]:
    """One sync, in this process; what it did, and what there is then."""
    from atlas_pipeline.extract.sources import open_source
    from atlas_pipeline.load.run import Holder, RunIdentity
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.orchestration.table_sync import TableSync
    from atlas_pipeline.quality.project import ExpectationsProject

    catalog, table = catalog_of(way), table_of(way)
    expectations = ExpectationsProject(
        root=place.folder / "expectations", state=place.folder, reports_url="http://127.0.0.1:3001"
    )
    source = open_source(catalog, f"sqlite:///{place.source}", copies=place.folder / "copies", timeout_seconds=30)
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    with Target(place.uri) as target, source.snapshot() as snapshot:
        result = TableSync(
            target=target, catalog=catalog, table=table, snapshot=snapshot, expectations=expectations, run=run
        ).go()
    return {"published": result.published, "run_id": run.run_id, "recovered": result.facts.recovered}


def sync_and_look(place: Place, way: str) -> dict[str, Any]:
    """One sync, and whether all is as it should be afterwards."""
    from atlas_pipeline.extract.sources import open_source
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.reconcile.place import Opened
    from atlas_pipeline.reconcile.verify import Request, verify_table

    found = sync(place, way)
    catalog, table = catalog_of(way), table_of(way)
    source = open_source(catalog, f"sqlite:///{place.source}", copies=place.folder / "copies", timeout_seconds=30)
    with Target(place.uri) as target:
        opened = Opened(catalog=catalog, table=table, source=source, target=target)
        verification = verify_table(opened, Request(wait_seconds=0.0))
        record = target.pipeline_database(catalog)["runs"].find_one({"run_id": found["run_id"]}) or {}
        running = target.pipeline_database(catalog)["runs"].count_documents({"status": "running"})
        stagings = [name for name in target.database(catalog).list_collection_names() if "__staging_" in name]
    deletes_wait = verification.tally.kinds["extra_in_target"] if way == "watermark" else 0
    return {
        **found,
        "equal": verification.adds_up or bool(deletes_wait),
        "differences": verification.tally.differences - deletes_wait,
        "repeated": record.get("ranges_repeated", 0),
        "running": running,
        "stagings": stagings,
    }


def change(place: Place, rng: random.Random, *, deletes: bool) -> None:
    """Insert, update and, where that is found, delete rows."""
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="milliseconds")
    with closing(sqlite3.connect(place.source, timeout=30)) as source, source:
        keys = [key for (key,) in source.execute("SELECT id FROM lines")]
        top = source.execute("SELECT max(slot) FROM lines").fetchone()[0]
        some = rng.sample(keys, 2 * CHANGES)
        source.executemany(
            "UPDATE lines SET name = name || '!', changed = ? WHERE id = ?", ((now, key) for key in some[:CHANGES])
        )
        if deletes:
            source.executemany("DELETE FROM lines WHERE id = ?", ((key,) for key in some[CHANGES:]))
        source.executemany(
            "INSERT INTO lines VALUES (?, ?, ?, ?)",
            ((uuid.UUID(int=rng.getrandbits(128)).hex, "new", top + 1 + n, now) for n in range(CHANGES)),
        )


def prepare(place: Place, rows: int) -> None:
    """The source file, and the suites of its table."""
    from atlas_pipeline.quality.project_files import write_project

    with closing(sqlite3.connect(place.source)) as source, source:
        source.execute("PRAGMA journal_mode = WAL")
        source.execute(
            "CREATE TABLE lines (id VARCHAR(36) PRIMARY KEY, name VARCHAR(80), slot INTEGER, changed TIMESTAMP)"
        )
        source.execute("CREATE INDEX lines_changed ON lines (changed)")
        source.executemany(
            "INSERT INTO lines VALUES (?, ?, ?, '2026-01-01 00:00:00')",
            ((uuid.UUID(int=n * 2**96).hex, f"name {n}", n) for n in range(rows)),
        )
    write_project(place.folder / "expectations", [catalog_of("reload")])


def campaign(place: Place, way: str, kills: int, seed: int) -> dict[str, Any]:
    """Kill syncs until each phase has had its share; gives how many were hit in which phase, and what was wrong."""
    from pymongo import MongoClient

    rng = random.Random(seed)  # noqa: S311 - moments, not secrets
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(_PRELOAD)
    hit: Counter[str] = Counter()
    wrong: list[dict[str, Any]] = []
    with context.Pool(1, maxtasksperchild=1) as pool, MongoClient[dict[str, Any]](place.uri) as client:
        runs = client[f"kills_{way}_pipeline"]["runs"]
        pool.apply(sync, (place, way))
        tries = 0
        while (left := [phase for phase in PHASES[way] if hit[phase] < kills]) and tries < MOST_TRIES * kills:
            tries += 1
            change(place, rng, deletes=way != "watermark")
            phase = _kill(context, place, way, rng.choice(left), runs, rng)
            if not phase:
                continue
            hit[phase] += 1
            after = pool.apply(sync_and_look, (place, way))
            fine = after["published"] and after["equal"] and not after["differences"] and not after["stagings"]
            if not fine or after["running"] or after["repeated"] > 1:
                wrong.append({"phase": phase, **after})
    return {"killed": dict(hit), "missing": [phase for phase in PHASES[way] if hit[phase] < kills], "wrong": wrong}


def _kill(context: Any, place: Place, way: str, phase: str, runs: Any, rng: random.Random) -> str:
    """Start a sync and kill it in a phase; the phase that the ledger recorded, or "" when it was too late."""
    before = {run["_id"] for run in runs.find({}, {"_id": 1})}
    process = context.Process(target=sync, args=(place, way))
    process.start()
    while process.is_alive():
        record = runs.find_one({"_id": {"$nin": list(before)}}, {"phase": 1})
        if record is not None and record["phase"] == phase:
            time.sleep(rng.random() * 0.02)
            break
    if process.pid is not None and process.is_alive():
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    record = runs.find_one({"_id": {"$nin": list(before)}, "status": "running"}, {"phase": 1})
    return "" if record is None else str(record["phase"])


def run(kills: int, rows: int, folder: Path, ways: tuple[str, ...] = tuple(PHASES)) -> dict[str, Any]:
    """The campaigns of all ways, on an embedded server."""
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    os.environ.pop("MONGODB_URI", None)
    found: dict[str, Any] = {}
    with mongodb(Settings(ATLAS_STATE_DIR=folder)) as server:
        for seed, way in enumerate(ways):
            place = Place(folder=folder / way, uri=server.uri)
            place.folder.mkdir()
            prepare(place, rows)
            found[way] = campaign(place, way, kills, seed)
    return found


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=8, help="in each phase of each way")
    parser.add_argument("--rows", type=int, default=ROWS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atlas-kills-") as name:
        found = run(arguments.kills, arguments.rows, Path(name))
    print(json.dumps(found, indent=2, default=str))  # noqa: T201 - the answer
    return int(any(one["wrong"] or one["missing"] for one in found.values()))


if __name__ == "__main__":
    raise SystemExit(main())
