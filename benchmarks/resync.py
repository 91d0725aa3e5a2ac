"""What it costs to follow a source, against loading it: nothing changed, a little changed, ten times the rows.

    python -m benchmarks.resync --rows 1000000

Fills chat messages (no cursor: policy `reconcile`) and playground sessions (indexed `updated_at`: policy `watermark`)
of the sample, loads both, syncs the messages with nothing changed, then inserts, updates and deletes 1,000 rows of each
at the source, syncs again and verifies every value. The sessions are also synced at a tenth of the rows, to see whether
the cost of a sync by cursor grows with the table. Times are those of whole syncs of one table, all checks included,
without Dagster. Prints one JSON value; the exit code says whether the bounds hold.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sqlite3
import statistics
import tempfile
import uuid
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, prepared, timed

MESSAGES, SESSIONS = "chat_messages", "playground_sessions"
CHANGES = 1_000
LARGEST_GROWTH_OF_CURSOR = 1.3
LARGEST_UNCHANGED_TO_LOAD = 0.5
SEED = 5
ROUNDS = 3
"""Syncs by cursor of which the median counts."""

_FILL = """
INSERT INTO {table} SELECT lower(hex(randomblob(16))), {columns} FROM {table},
  (WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {times}) SELECT i FROM n) LIMIT {rows}
"""
_OLD = "strftime('%Y-%m-%d %H:%M:%S', 'now', '-' || (86400 + abs(random() % 31536000)) || ' seconds')"
_NOW = "strftime('%Y-%m-%d %H:%M:%f', 'now')"


def fill(file: Path, rows: int) -> None:
    """Fill both tables up to so many rows, by copies of the sample's under new keys."""
    with closing(sqlite3.connect(file)) as source, source:
        for table in (MESSAGES, SESSIONS):
            names = [name for _, name, *_ in source.execute(f"PRAGMA table_info({table})")][1:]
            columns = ", ".join(_OLD if name == "updated_at" else name for name in names)
            there = source.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            missing = max(0, rows - there)
            source.execute(_FILL.format(table=table, columns=columns, times=missing // there + 1, rows=missing))


def change(file: Path, table: str, seed: int) -> None:
    """Insert, update and delete CHANGES rows each, at random, as the application would."""
    rng = random.Random(seed)  # noqa: S311 - a sample, not a secret
    with closing(sqlite3.connect(file)) as source, source:
        names = [name for _, name, *_ in source.execute(f"PRAGMA table_info({table})")][1:]
        touched = ", updated_at = " + _NOW if "updated_at" in names else ""
        count = source.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        wanted = set(rng.sample(range(count), 2 * CHANGES))
        keys = [key for at, (key,) in enumerate(source.execute(f"SELECT id FROM {table} ORDER BY id")) if at in wanted]
        rng.shuffle(keys)
        field = "content" if "content" in names else "total_tokens"
        value = "'changed'" if field == "content" else "total_tokens + 1"
        some = [(key,) for key in keys]
        source.executemany(f"UPDATE {table} SET {field} = {value}{touched} WHERE id = ?", some[:CHANGES])
        source.executemany(f"DELETE FROM {table} WHERE id = ?", some[CHANGES:])
        columns = ", ".join(_NOW if name == "updated_at" else name for name in names)
        source.execute(_FILL.format(table=table, columns=columns, times=1, rows=CHANGES))


def sync(bench: Bench, table: Any, expectations: Any, mode: Any = "policy") -> Any:
    """One sync of a table with all its checks."""
    from atlas_pipeline.load.run import Holder, RunIdentity
    from atlas_pipeline.orchestration.table_sync import TableSync
    from atlas_pipeline.resync.scope import Scope

    with bench.source().snapshot() as snapshot:
        result = TableSync(
            target=bench.target,
            catalog=bench.catalog,
            table=table,
            snapshot=snapshot,
            expectations=expectations,
            run=RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process()),
            scope=Scope(mode=mode),
        ).go()
    if not result.published:
        raise SystemExit(f"{table.collection} was not published; a measurement of that says nothing")
    return result


def sample_of(folder: Path, rows: int) -> tuple[Path, Any, Any]:
    """A sample with so many messages and sessions, its catalog, and the Great Expectations project."""
    from atlas_pipeline.catalogs.registry import find_catalog
    from atlas_pipeline.definitions import defs
    from atlas_pipeline.local.sample.generate import write_sample
    from atlas_pipeline.local.sample.size import SampleSize
    from atlas_pipeline.quality.project import ExpectationsProject
    from atlas_pipeline.settings import Settings

    defs()
    file = folder / "source.sqlite3"
    write_sample(file, size=SampleSize.default())
    fill(file, rows)
    settings = Settings(ATLAS_STATE_DIR=folder)
    catalog = find_catalog("infrastructure_atlas")
    expectations = ExpectationsProject(
        root=settings.expectations_dir, state=settings.state, reports_url=settings.reports_url
    )
    return file, catalog, expectations


def measure(rows: int, folder: Path) -> dict[str, Any]:
    """All figures at one size."""
    from atlas_pipeline.spec.sync import Cursor, ErrorBudget, SyncPolicy

    file, catalog, expectations = sample_of(folder, rows)
    budget = ErrorBudget(rows=None)
    messages = replace(catalog.table(MESSAGES), sync=SyncPolicy(mode="reconcile", error_budget=budget))
    # Without overlap and lag each sync reads its own changes alone, however fast it follows on the one before.
    cursor = Cursor(column="updated_at", overlap=timedelta(0), lag=timedelta(0))
    by_cursor = SyncPolicy(mode="watermark", cursor=cursor, error_budget=budget)
    sessions = replace(catalog.table(SESSIONS), sync=by_cursor)
    with prepared(folder, catalog, file) as bench:
        sync(bench, catalog.table("role_permissions"), expectations)  # loads what is loaded on first use
        found: dict[str, Any] = {"rows": rows}
        _, load, growth = timed(lambda: sync(bench, messages, expectations))
        found["messages"] = {"load": _figures(rows, load, growth)}
        result, seconds, growth = timed(lambda: sync(bench, messages, expectations))
        found["messages"]["unchanged"] = _of(result, seconds, growth) | {"to_load": round(seconds / load, 3)}
        change(file, MESSAGES, SEED)
        result, seconds, growth = timed(lambda: sync(bench, messages, expectations))
        found["messages"]["changed"] = _of(result, seconds, growth) | {"to_load": round(seconds / load, 3)}
        found["messages"]["equal"] = bench.verify(messages).strictly_equal
        _, load, growth = timed(lambda: sync(bench, sessions, expectations))
        found["sessions"] = {"load": _figures(rows, load, growth), "cursor": []}
        for number in range(ROUNDS):
            change(file, SESSIONS, SEED + number)
            result, seconds, growth = timed(lambda: sync(bench, sessions, expectations))
            found["sessions"]["cursor"].append(_of(result, seconds, growth))
        result, seconds, growth = timed(lambda: sync(bench, sessions, expectations, "reconcile"))
        found["sessions"]["reconcile"] = _of(result, seconds, growth) | {"to_load": round(seconds / load, 3)}
        found["sessions"]["equal"] = bench.verify(sessions).strictly_equal
    return found


def _figures(rows: int, seconds: float, growth: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 2), "rows_per_second": round(rows / seconds), "growth_mb": round(growth, 1)}


def _of(result: Any, seconds: float, growth: float) -> dict[str, Any]:
    facts = result.facts
    counts = {name: getattr(facts, name) for name in ("read", "inserted", "replaced", "deleted", "unchanged")}
    ranges = {"ranges": facts.ranges, "ranges_unchanged": facts.ranges_unchanged} if facts.ranges else {}
    phases = {phase: round(took, 2) for phase, took in result.seconds.items()}
    return {"seconds": round(seconds, 2), "growth_mb": round(growth, 1), **counts, **ranges, "phases": phases}


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each of the two tables")
    arguments = parser.parse_args()
    answer: dict[str, Any] = {"machine": {"cpus": os.cpu_count(), "python": platform.python_version()}}
    for name, rows in (("tenth", arguments.rows // 10), ("whole", arguments.rows)):
        with tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as folder:
            answer[name] = measure(rows, Path(folder))
    took = {
        name: statistics.median(one["seconds"] for one in answer[name]["sessions"]["cursor"])
        for name in ("tenth", "whole")
    }
    unchanged = answer["whole"]["messages"]["unchanged"]
    answer["cursor_whole_to_tenth"] = round(took["whole"] / took["tenth"], 3)
    answer["holds"] = {
        "equal": all(answer[name][table]["equal"] for name in took for table in ("messages", "sessions")),
        "unchanged_writes_nothing": not any(unchanged[name] for name in ("inserted", "replaced", "deleted")),
        "unchanged_to_load": unchanged["to_load"] <= LARGEST_UNCHANGED_TO_LOAD,
        "cursor_does_not_grow": answer["cursor_whole_to_tenth"] <= LARGEST_GROWTH_OF_CURSOR,
    }
    print(json.dumps(answer, indent=2))  # noqa: T201 - the answer
    return int(not all(answer["holds"].values()))


if __name__ == "__main__":
    raise SystemExit(main())
