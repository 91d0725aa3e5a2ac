"""Replaying the quarantine of a table of the small source: in this process, or as a program that tests can kill.

`python -m atlas_pipeline_tests.load.replaying URI FOLDER DATABASE RUN_ID TABLE`; it prints how many entries ended how.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.load.replay import Replay, Replayed
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import ITEMS, World
from atlas_pipeline_tests.loading import new_run
from atlas_pipeline_tests.programs import started


def replay(
    world: World,
    table: TableSpec = ITEMS,
    condition: Mapping[str, Any] | None = None,
    *,
    run_id: str | None = None,
    embedder: Embedder | None = None,
) -> Replayed:
    """Try the entries of a table again, all unless there is a condition."""
    run = new_run(run_id)
    with Target(world.uri) as target, world.sqlite.snapshot() as snapshot:
        cache = EmbeddingCache(target.pipeline_database(world.catalog)[COLLECTION], comment=run.run_id)
        replay = Replay(
            target=target,
            catalog=world.catalog,
            table=table,
            snapshot=snapshot,
            run=run,
            enricher=Enricher(table, embedder, cache) if embedder else None,
            sealer=world.sealer,
        )
        return replay.run(condition or {})


def ended(replayed: Replayed) -> dict[str, list[Any]]:
    """Keys of the entries by how they ended."""
    return {
        name: [value for entry in getattr(replayed, name) for value in entry["key"]]
        for name in ("landed", "gone", "remaining")
    }


@contextmanager
def replaying(world: World, run_id: str) -> Iterator[subprocess.Popen[str]]:
    """Another process that replays `items`; it is dead at the latest when the context ends."""
    with started(__name__, world.uri, world.folder, world.database, run_id) as process:
        yield process


def _main(uri: str, folder: str, database: str, run_id: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        world = World(uri=uri, folder=Path(folder), client=client, database=database)
        sys.stdout.write(json.dumps(replay(world, run_id=run_id).counts()))


if __name__ == "__main__":
    _main(*sys.argv[1:])
