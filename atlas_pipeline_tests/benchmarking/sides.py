"""What the tests of benchmarks share: a filled source of each dialect, and the documents that its rows map to."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from atlas_pipeline.benchmarking.sources import catalog
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.spec.tables import TableSpec


def sqlite_url(folder: Path) -> str:
    """A file that is not there yet."""
    return f"sqlite:///{folder / 'bench.sqlite3'}"


def documents(url: str, table: TableSpec, folder: Path, *, at_least: float = inf) -> Sequence[bytes]:
    """The canonical documents of all rows, or of the first ones, in the order of keys. Every row must have one."""
    source = open_source(catalog(url, [table], database="bench"), url, copies=folder / "copies", timeout_seconds=5)
    mapper, made = Mapper(table), list[bytes]()
    with source.snapshot() as snapshot:
        for rows in snapshot.batches(table):
            batch = mapper.map_batch(rows)
            assert not batch.rejects
            made += batch.documents
            if len(made) >= at_least:
                break
    return made
