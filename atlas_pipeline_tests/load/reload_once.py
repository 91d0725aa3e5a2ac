"""A program that loads a table of the small source once, so that tests can end it in every way.

`python -m atlas_pipeline_tests.load.reload_once URI FOLDER DATABASE RUN_ID TABLE BATCH_ROWS RANGE_DOCUMENTS`; it prints
the facts as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.extract import batching
from atlas_pipeline.load import pace, ranges
from atlas_pipeline_tests.load.small import World
from atlas_pipeline_tests.programs import started


def cut(patch: pytest.MonkeyPatch, *, batch_rows: int, range_documents: int) -> None:
    """Let batches and key ranges be small, here and in the processes that are started from here, and batches arrive in
    their order.
    """
    for name in ("BATCH_ROWS", "FETCH_ROWS"):
        patch.setattr(batching, name, min(batch_rows, getattr(batching, name)))
    patch.setattr(ranges, "RANGE_DOCUMENTS", range_documents)
    patch.setattr(pace, "MOST_IN_FLIGHT", 1)


@contextmanager
def reloading(world: World, run_id: str, table: str = "items") -> Iterator[subprocess.Popen[str]]:
    """Another process that loads a table of this world, cut as this one cuts it; it is dead at the latest when the
    context ends.
    """
    cuts = (batching.BATCH_ROWS, ranges.RANGE_DOCUMENTS)
    with started(__name__, world.uri, world.folder, world.database, run_id, table, *cuts) as process:
        yield process


def _main(uri: str, folder: str, database: str, run_id: str, table: str, batch_rows: str, range_rows: str) -> None:
    with pytest.MonkeyPatch.context() as patch, MongoClient[dict[str, Any]](uri) as client:
        cut(patch, batch_rows=int(batch_rows), range_documents=int(range_rows))
        world = World(uri=uri, folder=Path(folder), client=client, database=database)
        sys.stdout.write(json.dumps(asdict(world.reload(world.catalog.table(table), run_id=run_id)), default=str))


if __name__ == "__main__":
    _main(*sys.argv[1:])
