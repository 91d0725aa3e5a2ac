"""A program that verifies a table of `proof_tables` once, so that tests can end it in every way.

`python -m atlas_pipeline_tests.reconcile.verify_once URI URL FOLDER DATABASE TABLE PROCESSES STRETCH_RANGES`; it
settles after every stretch, and prints the verification as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atlas_pipeline.reconcile import stretches, verify
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.programs import started
from atlas_pipeline_tests.reconcile.proof import Proof, proof
from atlas_pipeline_tests.reconcile.proof_tables import ALL


@contextmanager
def verifying(made: Proof, table: TableSpec, *, processes: int = 1) -> Iterator[subprocess.Popen[str]]:
    """Another process that verifies a table, in stretches as here; it is dead at the latest when the context ends."""
    words = (made.uri, made.url, made.folder, made.catalog.database, table.source, processes, verify.STRETCH_RANGES)
    with started(__name__, *words) as process:
        yield process


def _main(uri: str, url: str, folder: str, database: str, table: str, processes: str, stretch_ranges: str) -> None:
    stretches.SETTLE_SECONDS = 0.0
    verify.STRETCH_RANGES = int(stretch_ranges)
    with proof(uri, url, Path(folder), database) as made:
        spec = next(one for one in ALL if one.source == table)
        found = made.verify(spec, processes=int(processes))
        sys.stdout.write(json.dumps([found.as_json(), found.differences_as_json()]))


if __name__ == "__main__":
    _main(*sys.argv[1:])
