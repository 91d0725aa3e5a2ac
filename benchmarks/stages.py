"""Where the time of a load goes: the processor time of each stage for one row, with no other thread that wants it.

    python -m benchmarks.stages --rows 100000

Reads, maps, fingerprints and inserts the wide table of `atlas-pipeline bench pipeline` from SQLite and PostgreSQL, one
stage after the other in one thread, by the very functions of a load. A load has three kinds of threads for them, of
which only one executes Python at a time. What does not belong here: rates (`atlas-pipeline bench pipeline`).
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from atlas_pipeline.benchmarking.generated import WIDE
from atlas_pipeline.benchmarking.pipeline import settings_of_own
from atlas_pipeline.benchmarking.sources import fill
from atlas_pipeline.benchmarking.tasks import Site, Workplace
from atlas_pipeline.load.digest import key_hashes, new_digest
from atlas_pipeline.load.fingerprint import new_fingerprint, raw_bytes_of
from atlas_pipeline.load.writer import BulkWriter
from atlas_pipeline.local.servers import mongodb, postgresql
from atlas_pipeline.mapping import mapper as mapping
from atlas_pipeline.mapping.mapper import Mapper

COLLECTION = "stages"


class Clock:
    """Processor seconds of this thread by stage; what is measured inside another stage is not counted there again."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Everything inside belongs to this stage."""
        began = time.thread_time()
        self._inner.append(0.0)
        yield
        taken = time.thread_time() - began
        self.seconds[name] += taken - self._inner.pop()
        self._inner[-1] += taken

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, whose calls belong to this stage."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return function(*args, **kwargs)

        return call


class _Timed:
    """A contract whose validation is measured."""

    def __init__(self, clock: Clock, contract: Any) -> None:
        self.validate_python = clock.timed("contract", contract.validate_python)


def measure(place: Workplace) -> tuple[dict[str, float], int]:
    """Seconds by stage, and how many rows there are."""
    clock, rows = Clock(), 0
    mapper: Any = Mapper(place.table)
    mapper._contract = _Timed(clock, mapper._contract)
    raw_bytes, digest, fingerprint = raw_bytes_of(place.table), new_digest(), new_fingerprint(b"")
    collection = place.target.database(place.catalog)[COLLECTION]
    before = mapping.documents_of, mapping.encode_all
    mapping.documents_of = clock.timed("documents as dictionaries", mapping.documents_of)
    mapping.encode_all = clock.timed("BSON", mapping.encode_all)
    try:
        with place.source.snapshot() as snapshot, BulkWriter[None](collection, comment="stages") as writer:
            batches = snapshot.batches(place.table)
            while True:
                with clock.stage("fetch"):
                    batch = next(batches, None)
                if batch is None:
                    return dict(clock.seconds), rows
                rows += len(batch)
                with clock.stage("values, by column"):
                    documents = mapper.map_batch(batch).documents
                with clock.stage("bytes of raw rows"):
                    raw = raw_bytes(batch)
                with clock.stage("fingerprint and digest"):
                    fingerprint.update(raw)
                    digest.update(b"".join(documents))
                with clock.stage("hashes of keys"):
                    key_hashes(documents)
                with clock.stage("insert"):
                    writer._insert(documents)
                with clock.stage("giving back memory"):
                    del batch, documents, raw
    finally:
        mapping.documents_of, mapping.encode_all = before
        collection.drop()


def main(rows: Annotated[int, typer.Option(min=10_000, help="Rows of the table.")] = 100_000) -> None:
    """Print the microseconds of each stage for a row of the wide table."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="atlas-stages-") as name:
        folder = Path(name)
        settings = settings_of_own(folder)
        with mongodb(settings) as mongo, postgresql(settings) as postgres:
            for url in (f"sqlite:///{folder / 'source.sqlite3'}", postgres.url("postgres")):
                fill(url, WIDE.spec, WIDE.rows(rows))
                site = Site(source_url=url, uri=mongo.uri, folder=name, table=WIDE.spec.source, servers={})
                with Workplace(site) as place:
                    seconds, read = measure(place)
                    found[place.catalog.dialect] = {stage: 1e6 * one / read for stage, one in seconds.items()}
    typer.echo(f"{'microseconds per row':30}" + "".join(f"{dialect:>12}" for dialect in found))
    for stage in next(iter(found.values())):
        typer.echo(f"{stage:30}" + "".join(f"{one[stage]:12.2f}" for one in found.values()))
    typer.echo(f"{'all':30}" + "".join(f"{sum(one.values()):12.2f}" for one in found.values()))


if __name__ == "__main__":
    typer.run(main)
