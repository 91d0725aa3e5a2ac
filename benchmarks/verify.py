"""What a verification costs against the load of the same table, and whether it finds what was planted.

    python -m benchmarks.verify --rows 1000000 --processes 2 --faults
    python -m benchmarks.verify --writers

Generates chat messages, starts an embedded MongoDB, loads the table (read, map, insert, read back, indexes), and
verifies every value of it in one process and in several, all in one run. `--faults` plants 500 wrong fields, 100
missing and 100 extra documents, verifies, repairs and verifies again. `--writers` verifies, alone, while an application
writes. Prints one JSON value; the exit code says whether the bounds hold.
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
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil

from benchmarks.bench import Bench, PeakChildren, prepared, timed
from benchmarks.writers import NOTES, NOTES_ROWS, campaign, make_notes

TABLE, SMALL = "chat_messages", "role_permissions"
LARGEST_RATIO = {1: 0.9, 2: 0.6}
LARGEST_GROWTH_MB = 120
WRONG, MISSING, EXTRA = 500, 100, 100
WRITER_SECONDS = 30.0
SEED = 4


def _of_a_small_table(bench_place: Any) -> int:
    """Resident bytes of a process that has compared a small table: what a process has when all is imported."""
    from atlas_pipeline.reconcile.verify import Request, verify_table

    with bench_place.opened() as opened:
        verify_table(opened, Request())
    return int(psutil.Process().memory_info().rss)


def measure(bench: Bench, processes: int, *, faults: bool) -> dict[str, Any]:
    """Seconds, ratios and memory; and what was found of the faults."""
    table, small = bench.catalog.table(TABLE), bench.catalog.table(SMALL)
    bench.load(small)
    bench.verify(small)  # loads what is loaded on first use
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        imported = pool.apply(_of_a_small_table, (bench.place(small),))
    facts, load_seconds, load_growth = timed(lambda: bench.load(table))
    one, one_seconds, one_growth = timed(lambda: bench.verify(table))
    children = PeakChildren()
    children.start()
    several, several_seconds, several_growth = timed(lambda: bench.verify(table, processes=processes))
    largest_child = children.stop()
    child_growth = (largest_child - imported) / 1e6
    for verification in (one, several):
        if not verification.strictly_equal or verification.digest != facts.digest:
            raise SystemExit("the clean table was not found equal; a measurement of that says nothing")
    ratio, ratio_several = one_seconds / load_seconds, several_seconds / load_seconds
    found: dict[str, Any] = {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version()},
        "rows": one.tally.rows,
        "bytes": facts.bytes_sent,
        "load": _figures(facts.loaded, load_seconds, load_growth),
        "verify": {
            "1": {**_figures(one.tally.rows, one_seconds, one_growth), "to_load": round(ratio, 3)},
            str(processes): {
                **_figures(several.tally.rows, several_seconds, several_growth),
                "to_load": round(ratio_several, 3),
                "child_peak_mb": round(largest_child / 1e6, 1),
                "child_growth_mb": round(child_growth, 1),
            },
        },
        "holds": {
            "one_process_to_load": ratio <= LARGEST_RATIO[1],
            "two_processes_to_load": processes != 2 or ratio_several <= LARGEST_RATIO[2],
            "growth": max(one_growth, several_growth, child_growth) <= LARGEST_GROWTH_MB,
        },
    }
    if faults:
        found["faults"] = plant_and_find(bench, table)
        found["holds"]["faults"] = found["faults"]["exact"]
    return found


def _figures(rows: int, seconds: float, growth: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 2), "rows_per_second": round(rows / seconds), "growth_mb": round(growth, 1)}


def plant_and_find(bench: Bench, table: Any) -> dict[str, Any]:
    """Plant faults, verify, repair where that is possible, and verify again."""
    planted = plant(bench, table)
    wrong, seconds, growth = timed(lambda: bench.verify(table))
    found = {
        (one.key, str(one.kind), one.why.partition(":")[0], *(place.path for place in one.fields))
        for one in wrong.differences
    }
    answer = {
        "planted": len(planted),
        "found": wrong.tally.differences,
        "exactly": found == planted,
        "verify": _figures(wrong.tally.rows, seconds, growth),
    }
    repaired, seconds, _ = timed(lambda: repair(bench, table))
    clean = bench.verify(table)
    touched = repaired.inserted + repaired.replaced + repaired.deleted
    answer["repair"] = {"touched": touched, "seconds": round(seconds, 2), **repaired.counts()}
    answer["clean_afterwards"] = clean.strictly_equal
    answer["exact"] = bool(
        answer["exactly"]
        and wrong.tally.differences == len(planted)
        and touched == len(planted)
        and repaired.complete
        and clean.strictly_equal
    )
    return answer


def plant(bench: Bench, table: Any) -> set[tuple[str, ...]]:
    """Plant faults at random; gives key, kind, reason and paths of what must be found."""
    rng = random.Random(SEED)  # noqa: S311 - a sample, not a secret
    live = bench.live(table)
    with closing(sqlite3.connect(bench.source_file)) as source, source:
        count = source.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]
        wanted = set(rng.sample(range(count), WRONG + MISSING + EXTRA // 2))
        keys = [key for n, (key,) in enumerate(source.execute(f"SELECT id FROM {TABLE} ORDER BY id")) if n in wanted]
        rng.shuffle(keys)
        deleted = keys[WRONG + MISSING :]
        source.executemany(f"DELETE FROM {TABLE} WHERE id = ?", ((key,) for key in deleted))
    planted: set[tuple[str, ...]] = {(key, "extra_in_target", "deleted at the source") for key in deleted}
    for key in keys[:WRONG]:
        document = live.find_one({"_id": key})
        field = rng.choice([name for name in document if name != "_id"])
        update: dict[str, Any] = {"$set": {field: f"{document[field]} but wrong"}}
        if rng.random() < 0.3:
            update = {"$unset": {field: 1}}
        elif document[field] is not None and rng.random() < 0.3:
            update = {"$set": {field: None}}
        live.update_one({"_id": key}, update)
        planted.add((key, "value", "", field))
    for key in keys[WRONG : WRONG + MISSING]:
        live.delete_one({"_id": key})
        planted.add((key, "missing_in_target", ""))
    for key in (f"{known}-foreign" for known in keys[: EXTRA // 2]):
        live.insert_one({"_id": key, "content": "of the application"})
        planted.add((key, "extra_in_target", "foreign"))
    return planted


def repair(bench: Bench, table: Any) -> Any:
    from atlas_pipeline.reconcile.repair import repair_table
    from atlas_pipeline.reconcile.repair_result import Request

    return repair_table(bench.opened(table), Request(delete_foreign=True))


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="chat messages")
    parser.add_argument("--processes", type=int, default=2, help="of the second verification")
    parser.add_argument("--faults", action="store_true", help="plant faults, find them, repair them")
    parser.add_argument("--writers", action="store_true", help="verify while an application writes, and nothing else")
    parser.add_argument("--seconds", type=float, default=WRITER_SECONDS, help="of each of the writers")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as name:
        folder = Path(name)
        if arguments.writers:
            found = _writers(folder, arguments.seconds)
            holds = found["holds"]
        else:
            found = _messages(folder, arguments.rows, arguments.processes, faults=arguments.faults)
            holds = all(found["holds"].values())
    print(json.dumps(found, indent=2))  # noqa: T201 - the answer
    return int(not holds)


def _writers(folder: Path, seconds: float) -> dict[str, Any]:
    from atlas_pipeline.spec.catalogs import CatalogSpec

    catalog = CatalogSpec(
        name="notes", dialect="sqlite", source_variable="NOTES_DB_URL", database="notes", tables=(NOTES,)
    )
    source_file = folder / "source.sqlite3"
    make_notes(source_file, NOTES_ROWS)
    with prepared(folder, catalog, source_file) as bench:
        return campaign(bench, seconds)


def _messages(folder: Path, rows: int, processes: int, *, faults: bool) -> dict[str, Any]:
    import great_expectations  # noqa: F401 - part of what a run imports

    from atlas_pipeline.catalogs.registry import find_catalog
    from atlas_pipeline.definitions import defs
    from atlas_pipeline.local.sample.generate import write_sample
    from atlas_pipeline.local.sample.size import SampleSize

    defs()
    source_file = folder / "source.sqlite3"
    write_sample(source_file, size=SampleSize.default().with_rows(chat_messages=rows))
    with prepared(folder, find_catalog("infrastructure_atlas"), source_file) as bench:
        return measure(bench, processes, faults=faults)


if __name__ == "__main__":
    raise SystemExit(main())
