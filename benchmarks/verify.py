"""What it costs to verify every value of a table, against loading it; and whether it finds what was planted.

    python -m benchmarks.verify --rows 1000000 --faults --writers

Generates chat messages in an SQLite file, loads them into an embedded MongoDB, and verifies them in one process and in
two, each time in a process of its own that has imported everything before. With `--faults` it plants faults, verifies,
repairs and verifies again. With `--writers` both sides, and then the source alone, change while they are compared.
Prints one JSON value; ends with 1 when a bound does not hold.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import random
import sqlite3
import tempfile
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.load_memory import PeakMemory
from benchmarks.writers import Writer

LARGEST_RATIO = {1: 0.9, 2: 0.6}
LARGEST_GROWTH_MB = 120
FAULTS, MISSING, EXTRA = 500, 100, 100
TABLE = "chat_messages"
WITH_CURSOR = "chat_sessions"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A filled source and a server.

    Attributes:
        source_file: The SQLite file.
        folder: Folder of private copies.
        uri: The server.
        target: Open connection of the pipeline.
        client: Open connection of everybody else.
        catalog: Infrastructure Atlas.
    """

    source_file: Path
    folder: Path
    uri: str
    target: Any
    client: Any
    catalog: Any

    def place(self, table: str) -> Any:
        """Where a table is compared."""
        from atlas_pipeline.reconcile.place import Place

        return Place(
            catalog=self.catalog,
            table=self.catalog.table(table),
            source_url=f"sqlite:///{self.source_file}",
            copies=self.folder,
            source_timeout_seconds=30,
            statement_seconds=600,
            mongodb_uri=self.uri,
            mongodb_timeout_ms=5_000,
            embedder="hashing",
            comment="benchmark",
        )

    def live(self, table: str) -> Any:
        return self.client[self.catalog.database][self.catalog.table(table).collection]

    def load(self, table: str) -> float:
        """Load a table, from the first row read to the swap; gives the seconds."""
        from atlas_pipeline.load.reload import Reload
        from atlas_pipeline.load.run import Holder, RunIdentity

        with self.place(table).opened() as opened, opened.source.snapshot() as snapshot:
            began = time.perf_counter()
            run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
            of = {"target": self.target, "catalog": self.catalog, "table": opened.table}
            with Reload(**of, snapshot=snapshot, run=run) as load:
                load.copy()
                load.build()
                load.publish()
            return time.perf_counter() - began

    def verify(self, table: str, *, processes: int = 1) -> dict[str, Any]:
        """Verify a table in a process of its own."""
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            return pool.submit(_verify, self.place(table), processes).result()


def _verify(place: Any, processes: int) -> dict[str, Any]:
    from atlas_pipeline.commands.console import collect_less_garbage
    from atlas_pipeline.reconcile.verify import verify_table

    collect_less_garbage()
    with place.opened() as opened:
        memory = PeakMemory()
        memory.start()
        began = time.perf_counter()
        found = verify_table(opened, place=place, processes=processes)
        seconds = time.perf_counter() - began
        growth = memory.stop()
    named = [(one.key, str(one.kind), tuple(place.path for place in one.fields)) for one in found.differences]
    return {"seconds": seconds, "growth_mb": growth, "named": named, **found.as_json()}


def plant(bench: Bench) -> set[tuple[str, str, tuple[str, ...]]]:
    """Change, remove and add documents; gives what a verification should say of them."""
    live, table = bench.live(TABLE), bench.catalog.table(TABLE)
    dice = random.Random(4)  # noqa: S311 - a sample
    keys = [one["_id"] for one in live.find({}, {"_id": 1}).sort("_id", 1)]
    chosen = dice.sample(keys, FAULTS + MISSING + EXTRA // 2)
    expected: set[tuple[str, str, tuple[str, ...]]] = set()
    for key in chosen[:FAULTS]:
        path = dice.choice([leaf.path for leaf in table.leaves])
        value = live.find_one({"_id": key}, {path: 1})[path]
        live.update_one({"_id": key}, {"$set": {path: _other(value)}})
        expected.add((key, "value", (f"{path}.planted" if isinstance(value, dict) else path,)))
    for key in chosen[FAULTS : FAULTS + MISSING]:
        live.delete_one({"_id": key})
        expected.add((key, "missing_in_target", ()))
    gone = chosen[FAULTS + MISSING :]
    with closing(sqlite3.connect(bench.source_file)) as connection, connection:
        connection.executemany(f"DELETE FROM {table.source} WHERE id = ?", [(key,) for key in gone])
    template = live.find_one({}, sort=[("_id", 1)])
    foreign = [f"{key[:-1]}~" for key in dice.sample(keys, EXTRA - len(gone))]
    live.insert_many([{**template, "_id": key} for key in foreign])
    return expected | {(key, "extra_in_target", ()) for key in (*gone, *foreign)}


def _other(value: Any) -> Any:
    """A value of the same kind that differs in the least, or a text where nothing is."""
    if isinstance(value, str):
        return f"{value} "
    if hasattr(value, "microsecond"):
        return value + timedelta(milliseconds=1)
    if isinstance(value, dict):
        return {**value, "planted": None}
    return "planted" if value is None else value + 1


def faults(bench: Bench) -> dict[str, Any]:
    """Plant, verify, repair, verify."""
    from atlas_pipeline.reconcile.repair import repair_table
    from atlas_pipeline.reconcile.repair_result import Request

    clean = bench.verify(TABLE)
    expected = plant(bench)
    found = bench.verify(TABLE)
    with bench.place(TABLE).opened() as opened:
        repaired = repair_table(opened, Request(delete_foreign=True))
    after = bench.verify(TABLE)
    touched = repaired.inserted + repaired.replaced + repaired.deleted
    return {
        "on_the_clean_copy": len(clean["named"]),
        "planted": len(expected),
        "found": len(found["named"]),
        "exactly_those": {(key, kind, tuple(fields)) for key, kind, fields in found["named"]} == expected,
        "touched_by_repair": touched,
        "repair": repaired.as_json(),
        "after_repair": len(after["named"]),
        "holds": not clean["named"]
        and {(key, kind, tuple(fields)) for key, kind, fields in found["named"]} == expected
        and touched == len(expected)
        and not after["named"]
        and after["persisted"] == 0,
    }


def writers(bench: Bench, *, seconds: float) -> dict[str, Any]:
    """Verify while a writer changes 200 rows a second: on both sides, then at the source alone."""
    both = _while_writing(bench, TABLE, "content", seconds, to_target=True)
    source = _while_writing(bench, WITH_CURSOR, "title", seconds, to_target=False)
    settled = bench.verify(WITH_CURSOR)
    return {
        "both_sides": both,
        "source_alone": source,
        "pending_when_the_writer_is_done": settled["pending"],
        "rows_changed": source["rows_changed"],
        "holds": not both["alarms"]
        and not source["alarms"]
        and settled["persisted"] == 0
        and settled["pending"] == source["rows_changed"],
    }


def _while_writing(bench: Bench, table: str, column: str, seconds: float, *, to_target: bool) -> dict[str, Any]:
    spec = bench.catalog.table(table)
    live: Callable[[], Any] | None = (lambda: bench.live(table)) if to_target else None
    with Writer(bench.source_file, spec.source, column, cursor=spec.changed_at, live=live) as writer:
        ended = time.monotonic() + seconds
        runs = [bench.verify(table)]
        while time.monotonic() < ended:
            runs.append(bench.verify(table))
    return {
        "verifications": len(runs),
        "rows_per_second": round(writer.changes / writer.seconds),
        "rows_changed": len(writer.keys),
        "slowest_target_seconds": round(writer.slowest, 3),
        "first_seen": sum(run["first_seen"] for run in runs),
        "pending": sum(run["pending"] for run in runs),
        "alarms": sum(run["persisted"] for run in runs),
    }


def measure(rows: int, folder: Path, *, plant_faults: bool, write: bool, seconds: float) -> dict[str, Any]:
    """All of it for `rows` chat messages."""
    from pymongo import MongoClient

    from atlas_pipeline.catalogs.registry import find_catalog
    from atlas_pipeline.commands.console import collect_less_garbage
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.sample.generate import write_sample
    from atlas_pipeline.local.sample.size import SampleSize
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    os.environ["ATLAS_STATE_DIR"] = str(folder)
    os.environ.pop("MONGODB_URI", None)
    source_file = folder / "source.sqlite3"
    write_sample(source_file, size=SampleSize.default().with_rows(chat_messages=rows))
    with closing(sqlite3.connect(source_file)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    collect_less_garbage()
    with mongodb(Settings()) as server, Target(server.uri) as target, MongoClient[dict[str, Any]](server.uri) as client:
        bench = Bench(
            source_file=source_file,
            folder=folder / "copies",
            uri=server.uri,
            target=target,
            client=client,
            catalog=find_catalog("infrastructure_atlas"),
        )
        bench.load("role_permissions")  # loads what is loaded on first use
        load = bench.load(TABLE)
        verified = {processes: bench.verify(TABLE, processes=processes) for processes in LARGEST_RATIO}
        ratios = {processes: run["seconds"] / load for processes, run in verified.items()}
        found: dict[str, Any] = {
            "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "mongodb": server.version},
            "rows": verified[1]["compared"],
            "load_seconds": round(load, 2),
            "verify_seconds": {processes: round(run["seconds"], 2) for processes, run in verified.items()},
            "verify_to_load": {processes: round(ratio, 3) for processes, ratio in ratios.items()},
            "rows_per_second": {processes: round(rows / run["seconds"]) for processes, run in verified.items()},
            "growth_mb": round(verified[1]["growth_mb"], 1),
            "equal": all(run["equal"] == run["compared"] for run in verified.values()),
        }
        holds = [ratios[processes] <= most for processes, most in LARGEST_RATIO.items()]
        holds += [verified[1]["growth_mb"] <= LARGEST_GROWTH_MB, found["equal"]]
        if write:
            bench.load(WITH_CURSOR)
            found["writers"] = writers(bench, seconds=seconds)
            holds.append(found["writers"]["holds"])
            bench.load(TABLE)
        if plant_faults:
            found["faults"] = faults(bench)
            holds.append(found["faults"]["holds"])
        return {**found, "holds": all(holds)}


def main() -> None:
    """Measure, print, and fail when a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--faults", action="store_true")
    parser.add_argument("--writers", action="store_true")
    parser.add_argument("--seconds", type=float, default=30, help="how long the writers write at least")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as folder:
        found = measure(
            arguments.rows,
            Path(folder),
            plant_faults=arguments.faults,
            write=arguments.writers,
            seconds=arguments.seconds,
        )
    print(json.dumps(found, indent=2))  # noqa: T201 - the answer
    raise SystemExit(0 if found["holds"] else 1)


if __name__ == "__main__":
    main()
