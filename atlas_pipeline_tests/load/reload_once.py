"""A program that loads a table of the small source once, so that tests can end it in every way.

`python -m atlas_pipeline_tests.load.reload_once URI FOLDER DATABASE RUN_ID TABLE`; it prints the facts as JSON.
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

from pymongo import MongoClient

from atlas_pipeline_tests.load.small import World

_ROOT = Path(__file__).resolve().parent.parent.parent


@contextmanager
def reloading(world: World, run_id: str, table: str = "items") -> Iterator[subprocess.Popen[str]]:
    """Another process that loads a table of this world; it is dead at the latest when the context ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, world.uri, str(world.folder), world.database, run_id, table],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def _main(uri: str, folder: str, database: str, run_id: str, table: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        world = World(uri=uri, folder=Path(folder), client=client, database=database)
        sys.stdout.write(json.dumps(asdict(world.reload(world.catalog.table(table), run_id=run_id)), default=str))


if __name__ == "__main__":
    _main(*sys.argv[1:])
