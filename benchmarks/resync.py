"""What it costs to follow a source, against loading it: nothing changed, a little changed, ten times the rows.

    python -m benchmarks.resync --rows 1000000

Fills chat messages (no cursor: policy `reconcile`) and playground sessions (indexed `updated_at`: policy `watermark`)
of the sample, loads both, syncs the messages with nothing changed, then inserts, updates and deletes 1,000 rows of each
at the source, syncs again and verifies every value. The sessions are synced in turn with those of a tenth of the rows,
to see whether the cost of a sync by cursor grows with the table. Times are those of whole syncs of one table, all
checks included, without Dagster. Prints one JSON value; the exit code says whether the bounds hold.
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
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.bench import Bench, prepared, timed

TABLES = MESSAGES, SESSIONS = "chat_messages", "playground_sessions"
CHANGES = 1_000
LARGEST_GROWTH_OF_CURSOR = 1.3
LARGEST_UNCHANGED_TO_LOAD = 0.5
SEED = 5
ROUNDS = 5
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A sample of one size, and its server."""

    rows: int
    file: Path
    bench: Bench
    expectations: Any
    messages: Any
    sessions: Any

    def timed(self, table: Any, mode: Any = "policy") -> tuple[Any, float, float]:
        """One sync; its result, its seconds, and the memory that it added in MB."""
        return timed(lambda: sync(self.bench, table, self.expectations, mode))


@contextmanager
def opened(rows: int) -> Iterator[Site]:
    """A sample with so many rows in both tables, and a server with nothing of it yet."""
    from atlas_pipeline.spec.sync import Cursor, ErrorBudget, SyncPolicy

    with tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as folder:
        file, catalog, expectations = sample_of(Path(folder), rows)
        budget = ErrorBudget(rows=None)
        # Without overlap and lag each sync reads its own changes alone, however fast it follows on the one before.
        cursor = Cursor(column="updated_at", overlap=timedelta(0), lag=timedelta(0))
        with prepared(Path(folder), catalog, file) as bench:
            sync(bench, catalog.table("role_permissions"), expectations)  # loads what is loaded on first use
            yield Site(
                rows=rows,
                file=file,
                bench=bench,
                expectations=expectations,
                messages=replace(catalog.table(MESSAGES), sync=SyncPolicy(mode="reconcile", error_budget=budget)),
                sessions=replace(
                    catalog.table(SESSIONS), sync=SyncPolicy(mode="watermark", cursor=cursor, error_budget=budget)
                ),
            )


def measure_messages(site: Site) -> dict[str, Any]:
    """Loaded, reconciled unchanged, and reconciled after changes."""
    _, load, growth = site.timed(site.messages)
    found: dict[str, Any] = {"load": _figures(site.rows, load, growth)}
    result, seconds, growth = site.timed(site.messages)
    found["unchanged"] = _of(result, seconds, growth) | {"to_load": round(seconds / load, 3)}
    change(site.file, MESSAGES, SEED)
    result, seconds, growth = site.timed(site.messages)
    found["changed"] = _of(result, seconds, growth) | {"to_load": round(seconds / load, 3)}
    found["equal"] = site.bench.verify(site.messages).strictly_equal
    return found


def measure_sessions(sites: Mapping[str, Site]) -> dict[str, dict[str, Any]]:
    """Loaded; synced by cursor, at one size and at the other in turn; reconciled, for the deletes."""
    found: dict[str, dict[str, Any]] = {}
    for name, site in sites.items():
        _, load, growth = site.timed(site.sessions)
        found[name] = {"load": _figures(site.rows, load, growth), "cursor": []}
    for number in range(ROUNDS):
        for name, site in sites.items():
            change(site.file, SESSIONS, SEED + number)
            found[name]["cursor"].append(_of(*site.timed(site.sessions)))
    for name, site in sites.items():
        result, seconds, growth = site.timed(site.sessions, "reconcile")
        to_load = round(seconds / found[name]["load"]["seconds"], 3)
        found[name]["reconcile"] = _of(result, seconds, growth) | {"to_load": to_load}
        found[name]["equal"] = site.bench.verify(site.sessions).strictly_equal
    return found


def _figures(rows: int, seconds: float, growth: float) -> dict[str, Any]:
    return {"seconds": round(seconds, 2), "rows_per_second": round(rows / seconds), "growth_mb": round(growth, 1)}


def _of(result: Any, seconds: float, growth: float) -> dict[str, Any]:
    facts = result.facts
    counts = {name: getattr(facts, name) for name in ("read", "inserted", "replaced", "deleted", "unchanged")}
    ranges = {"ranges": facts.ranges, "ranges_unchanged": facts.ranges_unchanged} if facts.ranges else {}
    phases = {phase: round(took, 2) for phase, took in result.seconds.items()}
    return {"seconds": round(seconds, 2), "growth_mb": round(growth, 1), **counts, **ranges, "phases": phases}


def holds(answer: dict[str, Any]) -> dict[str, bool]:
    """What has to be so, and whether it is; adds the ratio of the two sizes."""
    told = {
        f"{table}_equal": all(one["equal"] for one in answer[table].values()) for table in TABLES if table in answer
    }
    if MESSAGES in answer:
        unchanged = answer[MESSAGES]["whole"]["unchanged"]
        told["unchanged_writes_nothing"] = not any(unchanged[name] for name in ("inserted", "replaced", "deleted"))
        told["unchanged_to_load"] = unchanged["to_load"] <= LARGEST_UNCHANGED_TO_LOAD
    if SESSIONS in answer:
        took = [statistics.median(one["seconds"] for one in found["cursor"]) for found in answer[SESSIONS].values()]
        answer["cursor_whole_to_tenth"] = round(took[1] / took[0], 3)
        told["cursor_does_not_grow"] = answer["cursor_whole_to_tenth"] <= LARGEST_GROWTH_OF_CURSOR
    return told


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of each of the two tables")
    parser.add_argument("--only", choices=TABLES, help="measure this table alone")
    arguments = parser.parse_args()
    answer: dict[str, Any] = {"machine": {"cpus": os.cpu_count(), "python": platform.python_version()}}
    with ExitStack() as stack:
        sizes = {"tenth": arguments.rows // 10, "whole": arguments.rows}
        sites = {name: stack.enter_context(opened(rows)) for name, rows in sizes.items()}
        if arguments.only != SESSIONS:
            answer[MESSAGES] = {name: measure_messages(site) for name, site in sites.items()}
        if arguments.only != MESSAGES:
            answer[SESSIONS] = measure_sessions(sites)
    answer["holds"] = holds(answer)
    print(json.dumps(answer, indent=2))  # noqa: T201 - the answer
    return int(not all(answer["holds"].values()))


if __name__ == "__main__":
    raise SystemExit(main())
