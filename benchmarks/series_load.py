"""What a time series costs: loading it, against a raw insert of the same documents; and its bytes, by meta field.

    python -m benchmarks.series_load --rows 120904

Generates the audit log of the investigation platform in an embedded PostgreSQL and loads it into an embedded MongoDB:
the first time, again unchanged, again with ten changed rows. The raw insert takes the documents as they were stored and
puts them into a collection with the same options, in alternation with the load. Prints one JSON value.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.load_memory import LARGEST_GROWTH_MB, PeakMemory

TABLE = "audit_log"
LARGEST_RATIO = 2.0
BATCH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """One load: seconds until the last insert was acknowledged, seconds of the whole, growth in MB, what it did."""

    copied: float
    whole: float
    growth_mb: float
    facts: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A filled source, and a target.

    Attributes:
        url: SQLAlchemy URL of the source.
        target: Open connection of the pipeline.
        catalog: The investigation platform.
        client: Open connection of the raw inserts.
    """

    url: str
    target: Any
    catalog: Any
    client: Any

    @property
    def table(self) -> Any:
        return self.catalog.table(TABLE)

    @property
    def database(self) -> Any:
        return self.client[self.catalog.database]

    def forget(self) -> None:
        """Make the next load a first one."""
        self.database[TABLE].drop()
        self.client[self.catalog.pipeline_database]["tables"].drop()

    def load(self) -> Loaded:
        from atlas_pipeline.extract.sources import open_source
        from atlas_pipeline.load.run import Holder, RunIdentity
        from atlas_pipeline.load.series_load import SeriesLoad

        source = open_source(self.catalog, self.url, copies=Path(), timeout_seconds=30)
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        memory = PeakMemory()
        memory.start()
        began = time.perf_counter()
        with (
            source.snapshot(label="benchmark") as snapshot,
            SeriesLoad(
                target=self.target, catalog=self.catalog, table=self.table, snapshot=snapshot, run=run
            ) as series,
        ):
            series.copy()
            copied = time.perf_counter() - began
            series.build()
            series.publish()
        whole = time.perf_counter() - began
        return Loaded(copied=copied, whole=whole, growth_mb=memory.stop(), facts=series.facts)

    def insert_raw(self, name: str, *, by_action: bool = False) -> float:
        """Put the stored documents into another time series; gives the seconds of the inserts alone."""
        options = self.table.time_series.options() | ({"metaField": "grouped"} if by_action else {})
        raw = self.database.create_collection(name, timeseries=options)
        spent = 0.0
        for batch in self._batches():
            for document in batch if by_action else ():
                document["grouped"] = {key: document["metadata"][key] for key in ("tenant_id", "action_type")}
            began = time.perf_counter()
            raw.insert_many(batch, ordered=False)
            spent += time.perf_counter() - began
        return spent

    def change(self) -> None:
        """Change ten rows of the source."""
        import psycopg

        with psycopg.connect(self.url.replace("+psycopg", "", 1)) as connection:
            connection.execute(
                "UPDATE investigation_audit_log SET to_version = coalesce(to_version, 0) + 100 WHERE entry_id IN "
                "(SELECT entry_id FROM investigation_audit_log ORDER BY entry_id LIMIT 10)"
            )

    def _batches(self) -> Iterator[list[dict[str, Any]]]:
        batch: list[dict[str, Any]] = []
        for document in self.database[TABLE].find().sort("timestamp", 1):
            batch.append(document)
            if len(batch) == BATCH:
                yield batch
                batch = []
        if batch:
            yield batch


@contextmanager
def prepared(rows: int, folder: Path) -> Iterator[Bench]:
    """Servers and source."""
    from pymongo import MongoClient

    from atlas_pipeline.catalogs.registry import find_catalog
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.platform_sample.generate import write_platform_sample
    from atlas_pipeline.local.platform_sample.size import PlatformSize
    from atlas_pipeline.local.servers import mongodb, postgresql
    from atlas_pipeline.settings import Settings

    os.environ.pop("MONGODB_URI", None)
    settings = Settings(ATLAS_STATE_DIR=folder)
    with (
        postgresql(settings) as postgres,
        mongodb(settings) as mongo,
        Target(mongo.uri) as target,
        MongoClient[dict[str, Any]](mongo.uri) as client,
    ):
        url = postgres.url("postgres")
        write_platform_sample(url, size=replace(PlatformSize(), investigation_audit_log=rows), hard=False)
        yield Bench(url=url, target=target, catalog=find_catalog("investigation_platform"), client=client)


def measure(bench: Bench, rounds: int) -> dict[str, Any]:
    """Seconds, ratio, growth in MB and bytes per document."""
    loads, raws = [], []
    for _ in range(rounds):
        bench.forget()
        loads.append(bench.load())
        raws.append(bench.insert_raw("raw"))
        bench.database["raw"].drop()
    first = loads[-1].facts
    unchanged = bench.load()
    bench.change()
    changed = bench.load()
    bench.insert_raw("by_action", by_action=True)
    grouped = bench.database.command("collStats", "by_action")["timeseries"]
    seconds, raw = statistics.median(one.copied for one in loads), statistics.median(raws)
    return {
        "cores": os.cpu_count(),
        "rows": first.loaded,
        "raw_insert_seconds": round(raw, 2),
        "load_seconds": round(seconds, 2),
        "load_and_verify_seconds": round(statistics.median(one.whole for one in loads), 2),
        "load_to_raw": round(seconds / raw, 2),
        "unchanged_seconds": round(unchanged.whole, 2),
        "unchanged_bytes_sent": unchanged.facts.bytes_sent,
        "ten_changed_seconds": round(changed.whole, 2),
        "ten_changed_replaced": changed.facts.replaced,
        "growth_mb": round(max(one.growth_mb for one in (*loads, unchanged, changed)), 1),
        "buckets": first.buckets,
        "bytes_per_document": round(first.stored_bytes / first.loaded, 1),
        "bytes_per_document_in_an_ordinary_collection": round(first.document_bytes / first.loaded, 1),
        "buckets_by_tenant_and_action": grouped["bucketCount"],
        "bytes_per_document_by_tenant_and_action": round(
            grouped["bucketCount"] * grouped["avgBucketSize"] / first.loaded, 1
        ),
    }


def main() -> int:
    """Entry point; the exit code says whether the bounds hold."""
    parser = argparse.ArgumentParser(description="What a time series costs.")
    parser.add_argument("--rows", type=int, default=120_904, help="audit entries")
    parser.add_argument("--rounds", type=int, default=3, help="loads and raw inserts in alternation")
    arguments = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="atlas-benchmark-") as folder,
        prepared(arguments.rows, Path(folder)) as bench,
    ):
        found = measure(bench, arguments.rounds)
    print(json.dumps(found, indent=2))  # noqa: T201 - the answer
    return int(found["load_to_raw"] > LARGEST_RATIO or found["growth_mb"] > LARGEST_GROWTH_MB)


if __name__ == "__main__":
    raise SystemExit(main())
