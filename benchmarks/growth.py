"""What grows with a table and what must not: memory, and the time of a sync of 1,000 changes.

    python -m benchmarks.growth --rows 1000000 --rows 10000000

Fills the wide table of `atlas-pipeline bench pipeline` with each number of rows, publishes it, verifies every value,
syncs it unchanged, and five times syncs 1,000 rows that changed, by cursor. Each is a process of its own. The exit code
is 1 when memory or the sync of changes is beyond its bound. What does not belong here: ratios to the server's limit.
"""

from __future__ import annotations

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer

from atlas_pipeline.benchmarking.changes import change, prepare
from atlas_pipeline.benchmarking.generated import WIDE
from atlas_pipeline.benchmarking.pipeline import CHANGES, run_task, settings_of_own
from atlas_pipeline.benchmarking.sources import fill
from atlas_pipeline.benchmarking.tasks import Site
from atlas_pipeline.local.servers import MongoServer, mongodb, postgresql

MOST_MB, MOST_GROWTH = 120, 1.1
"""Memory beyond the imports, and all memory with the largest table to that with the smallest."""
MOST_SECONDS = 2.0
"""A sync of the changes, however large the table."""
SYNCS = 5


def measure(url: str, rows: int, mongo: MongoServer, folder: Path) -> dict[str, Any]:
    """Seconds and memory of everything for a table of so many rows."""
    table = WIDE.spec.source
    fill(url, WIDE.spec, WIDE.rows(rows))
    prepare(url, table)
    servers = {"mongodb": mongo.pid} if mongo.pid else {}
    site = Site(source_url=url, uri=mongo.uri, folder=str(folder / "copies"), table=table, servers=servers)
    nothing = {"inserted": 0, "replaced": 0, "deleted": 0}
    costs = {
        "publish": run_task("publish", site, loaded=rows),
        "verify": run_task("verify", site, rows=rows),
        "unchanged": run_task("unchanged", site, **nothing, unchanged=rows),
    }
    found: dict[str, Any] = {
        name: {"seconds": round(one.seconds, 2), "memory_mb": round(one.memory_mb, 1), "peak_mb": round(one.peak_mb, 1)}
        for name, one in costs.items()
    }
    syncs = []
    for _ in range(SYNCS):
        change(url, table, CHANGES)
        syncs.append(run_task("changed", site, **nothing | {"replaced": CHANGES}))
    seconds = [round(one.seconds, 2) for one in syncs]
    memory = {name: max(round(getattr(one, name), 1) for one in syncs) for name in ("memory_mb", "peak_mb")}
    found["changed"] = {"seconds": median(seconds), "all": seconds, **memory}
    return found


def main(
    rows: Annotated[list[int], typer.Option(help="Rows of the table; the smallest number first.")],
    source: Annotated[str, typer.Option(help="sqlite or postgresql.")] = "sqlite",
) -> None:
    """Print seconds and memory for each number of rows, and what is beyond its bound."""
    if source not in ("sqlite", "postgresql"):
        raise typer.BadParameter(f"{source} is not known: sqlite, postgresql")
    if min(rows) < CHANGES:
        raise typer.BadParameter(f"at least {CHANGES:,} rows, for so many are changed")
    found = {}
    for number in rows:
        with tempfile.TemporaryDirectory(prefix="atlas-growth-") as name:
            folder = Path(name)
            settings = settings_of_own(folder)
            with ExitStack() as stack:
                mongo = stack.enter_context(mongodb(settings))
                url = f"sqlite:///{folder / 'source.sqlite3'}"
                if source == "postgresql":
                    url = stack.enter_context(postgresql(settings)).url("postgres")
                found[number] = measure(url, number, mongo, folder)
        typer.echo(json.dumps({"rows": number, **found[number]}))
    smallest, largest = found[rows[0]], found[rows[-1]]
    failed = []
    for number, one in found.items():
        failed += [
            f"{name} of {number:,} rows added {measured['memory_mb']} MB"
            for name, measured in one.items()
            if measured["memory_mb"] > MOST_MB
        ]
        if one["changed"]["seconds"] > MOST_SECONDS:
            failed.append(f"a sync of {CHANGES:,} changes in {number:,} rows took {one['changed']['seconds']} s")
    failed += [
        f"{name} had {smallest[name]['peak_mb']} MB, and {largest[name]['peak_mb']} MB with {rows[-1]:,} rows"
        for name in largest
        if largest[name]["peak_mb"] > MOST_GROWTH * smallest[name]["peak_mb"]
    ]
    for one in failed:
        typer.echo(f"beyond its bound: {one}", err=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    typer.run(main)
