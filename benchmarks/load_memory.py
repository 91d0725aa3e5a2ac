"""How much memory a load adds to a process, and how fast its phases are, on chat messages.

    python benchmarks/load_memory.py --rows 1000000

Generates the source, starts an embedded MongoDB, imports everything a run needs, and then samples the resident memory
while one table goes the whole way: load, checks with Great Expectations, swap. Prints one JSON value.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import threading
import uuid
from pathlib import Path
from typing import Any

import psutil

INTERVAL_SECONDS = 0.02
LARGEST_GROWTH_MB = 150


class PeakMemory(threading.Thread):
    """Samples the resident memory of this process until stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._process = psutil.Process()
        self._stop_sampling = threading.Event()
        self.before = self.peak = self._process.memory_info().rss

    def run(self) -> None:
        while not self._stop_sampling.wait(INTERVAL_SECONDS):
            self.peak = max(self.peak, self._process.memory_info().rss)

    def stop(self) -> float:
        """Stop sampling; gives the growth in MB (10^6 bytes)."""
        self._stop_sampling.set()
        self.join()
        return (self.peak - self.before) / 1e6


def measure(rows: int, folder: Path) -> dict[str, Any]:
    """Load `rows` chat messages; gives growth in MB, seconds by phase and counts."""
    import great_expectations  # noqa: F401 - part of what a run imports

    from atlas_pipeline.catalogs.registry import find_catalog
    from atlas_pipeline.definitions import defs
    from atlas_pipeline.extract.sources import open_source
    from atlas_pipeline.load.run import Holder, RunIdentity
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.sample.generate import write_sample
    from atlas_pipeline.local.sample.size import SampleSize
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.table_sync import TableSync
    from atlas_pipeline.quality.project import ExpectationsProject
    from atlas_pipeline.settings import Settings

    defs()
    source_file = folder / "source.sqlite3"
    os.environ["ATLAS_STATE_DIR"] = str(folder)
    os.environ.pop("MONGODB_URI", None)
    settings = Settings()
    write_sample(source_file, size=SampleSize.default().with_rows(chat_messages=rows))
    catalog = find_catalog("infrastructure_atlas")
    source = open_source(catalog, f"sqlite:///{source_file}", copies=settings.snapshots_dir, timeout_seconds=30)
    expectations = ExpectationsProject(
        root=settings.expectations_dir, state=settings.state, reports_url=settings.reports_url
    )

    def sync(table: str) -> tuple[Any, float]:
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        with source.snapshot() as snapshot:
            memory = PeakMemory()
            memory.start()
            result = TableSync(
                target=target,
                catalog=catalog,
                table=catalog.table(table),
                snapshot=snapshot,
                expectations=expectations,
                run=run,
            ).go()
            return result, memory.stop()

    with mongodb(settings) as server, Target(server.uri) as target:
        sync("role_permissions")  # loads what is loaded on first use
        result, growth = sync("chat_messages")
    if not result.published:
        raise SystemExit("the table was not published; a measurement of a failed load says nothing")
    return {
        "machine": {"cpus": os.cpu_count(), "python": platform.python_version(), "mongodb": server.version},
        "rows": result.counts.source_rows,
        "documents": result.counts.documents,
        "bytes": result.facts.bytes_sent,
        "growth_mb": round(growth, 1),
        "largest_growth_mb": LARGEST_GROWTH_MB,
        "seconds": {name: round(seconds, 2) for name, seconds in result.seconds.items()},
        "rows_per_second": {
            "load": round(result.counts.source_rows / result.seconds["load"]),
            "total": round(result.counts.source_rows / result.seconds["total"]),
        },
    }


def main() -> None:
    """Measure, print, and fail when the growth is over the bound."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as folder:
        found = measure(arguments.rows, Path(folder))
    print(json.dumps(found, indent=2))  # noqa: T201 - the answer
    raise SystemExit(0 if found["growth_mb"] <= LARGEST_GROWTH_MB else 1)


if __name__ == "__main__":
    main()
