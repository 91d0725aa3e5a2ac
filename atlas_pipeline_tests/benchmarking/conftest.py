"""A source, a target database, and rivals that load from one into the other."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.benchmarking import rivals
from atlas_pipeline.benchmarking.correctness import Correctness, compare
from atlas_pipeline.benchmarking.rivals import Job, Outcome, job_for
from atlas_pipeline.benchmarking.sources import catalog
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.spec.tables import TableSpec

RUN_SECONDS = 120.0


@dataclass(frozen=True, kw_only=True)
class Ring:
    """Where rivals meet: one table of a source, and a collection for each of them.

    Attributes:
        url: SQLAlchemy URL of the source.
        table: The table.
        target: The pipeline's connection to the server.
        uri: The server.
        database: Target database.
        folder: For files.
    """

    url: str
    table: TableSpec
    target: Target
    uri: str
    database: str
    folder: Path

    def job(self, rival: str) -> Job:
        return job_for(
            self.table,
            source_url=self.url,
            mongodb_uri=self.uri,
            database=self.database,
            collection=rival,
            folder=self.folder,
        )

    def run(self, rival: str) -> Outcome:
        """Let a rival load the table into the collection that is called after it."""
        return rivals.run(rival, self.job(rival), timeout_seconds=RUN_SECONDS)

    def compare(self, rival: str) -> Correctness:
        return compare(
            catalog(self.url, [self.table], database=self.database),
            self.table,
            rival,
            source_url=self.url,
            target=self.target,
            copies=self.folder / "copies",
        )

    def live(self, rival: str) -> Any:
        return self.target.client[self.database][rival]


@pytest.fixture
def ring(mongo_server: MongoServer, tmp_path: Path) -> Iterator[Callable[[str, TableSpec], Ring]]:
    """Makes a ring of a source and a table; its collections go with the test."""
    name = f"rivals_{uuid.uuid4().hex[:12]}"
    with closing(Target(mongo_server.uri)) as target:
        yield lambda url, table: Ring(
            url=url, table=table, target=target, uri=mongo_server.uri, database=name, folder=tmp_path
        )
        target.client.drop_database(name)
