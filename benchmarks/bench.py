"""A source and a target for benchmarks of verifications, and what is measured of them: seconds and memory.

What belongs here: opening, loading, verifying, measuring. What does not: what is measured (`benchmarks.verify`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks.load_memory import INTERVAL_SECONDS, PeakMemory


class PeakChildren(threading.Thread):
    """Samples the resident memory of the processes that this one starts, until stopped."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._known = {child.pid for child in psutil.Process().children(recursive=True)}
        self._stop_sampling = threading.Event()
        self.peaks: dict[int, int] = {}

    def run(self) -> None:
        while not self._stop_sampling.wait(INTERVAL_SECONDS):
            for child in psutil.Process().children(recursive=True):
                if child.pid not in self._known:
                    try:
                        self.peaks[child.pid] = max(self.peaks.get(child.pid, 0), child.memory_info().rss)
                    except psutil.NoSuchProcess:
                        continue

    def stop(self) -> int:
        """Stop sampling; gives the bytes of the largest of them."""
        self._stop_sampling.set()
        self.join()
        return max(self.peaks.values(), default=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A source and a target.

    Attributes:
        catalog: Catalog of the tables.
        source_file: The SQLite file.
        folder: For private copies.
        target: Open connection of the pipeline.
        uri: The server.
    """

    catalog: Any
    source_file: Path
    folder: Path
    target: Any
    uri: str

    @property
    def url(self) -> str:
        return f"sqlite:///{self.source_file}"

    def source(self) -> Any:
        from atlas_pipeline.extract.sources import open_source

        return open_source(self.catalog, self.url, copies=self.folder / "copies", timeout_seconds=30)

    def opened(self, table: Any) -> Any:
        from atlas_pipeline.reconcile.place import Opened

        return Opened(catalog=self.catalog, table=table, source=self.source(), target=self.target)

    def place(self, table: Any) -> Any:
        from atlas_pipeline.reconcile.place import Place

        return Place(
            catalog=self.catalog,
            table=table,
            source_url=self.url,
            copies=self.folder / "copies",
            source_timeout_seconds=30,
            statement_seconds=600,
            mongodb_uri=self.uri,
            mongodb_timeout_ms=5_000,
            embedder="hashing",
            comment="benchmark",
        )

    def load(self, table: Any) -> Any:
        """The whole load of a table, but for Dagster and the checks of Great Expectations; gives what it did."""
        from atlas_pipeline.load import indexes
        from atlas_pipeline_tests.loading import begun

        with (
            self.source().snapshot() as snapshot,
            begun(table, snapshot, target=self.target, catalog=self.catalog) as load,
        ):
            load.copy()
            load.build()
            load.publish()
            late = [index for index in table.indexes if not index.built_on_staging]
            indexes.create(self.live(table), late, comment=load.run.run_id)
        return load.facts

    def verify(self, table: Any, *, processes: int = 1, **request: Any) -> Any:
        from atlas_pipeline.reconcile.verify import Request, verify_table

        place = self.place(table) if processes > 1 else None
        return verify_table(self.opened(table), Request(**request), place=place, processes=processes)

    def live(self, table: Any) -> Any:
        return self.target.database(self.catalog)[table.collection]


@contextmanager
def prepared(folder: Path, catalog: Any, source_file: Path) -> Iterator[Bench]:
    """An embedded server, for a source that is there."""
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    os.environ.pop("MONGODB_URI", None)
    with mongodb(Settings(ATLAS_STATE_DIR=folder)) as server, Target(server.uri) as target:
        yield Bench(catalog=catalog, source_file=source_file, folder=folder, target=target, uri=server.uri)


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """What it gives, its seconds, and by how many MB this process grew meanwhile."""
    memory = PeakMemory()
    memory.start()
    began = time.perf_counter()
    result = work()
    seconds = time.perf_counter() - began
    return result, seconds, memory.stop()
