"""A table in a file, its documents in a collection of their own, and what the comparisons need besides."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import bson
import pytest
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne, MongoClient
from pymongo.collection import Collection
from pymongo.database import Database

from atlas_pipeline.extract import batching
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.extract.sqlite_snapshot import SqliteSnapshot
from atlas_pipeline.load import ranges
from atlas_pipeline.load.held import HeldById
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.reconcile import verify
from atlas_pipeline.reconcile.keys import KeyComparison, compare_keys
from atlas_pipeline.reconcile.sample import SampleComparison, SampleKeys, compare_sample
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.source_files import database, fill, source_of
from atlas_pipeline_tests.reconcile.proof import Proof, proof


class Both:
    """One table on both sides: rows in a file, which is read by one snapshot, and documents on the server."""

    def __init__(self, target: Database[dict[str, Any]], name: str, folder: Path, opened: ExitStack) -> None:
        self._database, self._name, self._opened = target, name, opened
        self._path = folder / "source" / "rows.sqlite3"
        self._path.parent.mkdir()

    def fill(self, table: TableSpec, rows: list[Row]) -> None:
        """Write the rows to the file and the documents of those that can become one to the collection."""
        self.table = replace(table, collection=self._name)
        columns = ", ".join(f'"{column.name}" {column.sql_type}' for column in table.columns)
        with database(self._path) as connection:
            connection.execute(f"CREATE TABLE {table.source} ({columns})")
            if rows:
                fill(connection, table.source, rows)
        catalog = CatalogSpec(
            name="small", dialect="sqlite", source_variable="V", database=self._database.name, tables=(self.table,)
        )
        self.snapshot: SqliteSnapshot = self._opened.enter_context(source_of(self._path).snapshot())
        self.mapper = Mapper(self.table)
        self.collection: Collection[Any] = self._database[self._name]
        run = RunIdentity(run_id=self._name, holder=Holder.this_process())
        self.quarantine = Quarantine(self._database.client[catalog.pipeline_database], catalog, self.table, run)
        self.quarantine.start()
        mapped = self.mapper.map_batch([row for batch in self.snapshot.batches(table) for row in batch])
        first: dict[bytes, RawBSONDocument] = {}
        for identifier, document in zip(mapped.ids, mapped.documents, strict=True):
            first.setdefault(bson.encode({"": identifier}), RawBSONDocument(document))
        if first:
            self.collection.bulk_write([InsertOne[Any](document) for document in reversed(first.values())])
        self.quarantine.add(mapped.rejects)

    def put_into_quarantine(self, row: Row) -> None:
        self.quarantine.add([self.mapper.reject(row, "", RejectCode.REFUSED_BY_SERVER, "for the test")])

    def keys(self) -> KeyComparison:
        """The comparison of all keys."""
        return compare_keys(self.snapshot, self.table, self.collection, self.quarantine, comment="test")

    def sample(self, seed: int = 1) -> SampleComparison:
        """The comparison of a sample, which of a small table is the whole of it."""
        picked = SampleKeys(self.table, source_rows=self.snapshot.count(self.table), seed=seed)
        for rows in self.snapshot.batches(self.table):
            picked.observe(rows, self.mapper.map_batch(rows))
        return compare_sample(
            picked,
            snapshot=self.snapshot,
            mapper=self.mapper,
            held=HeldById(self.collection, comment="test"),
            quarantine=self.quarantine,
        )


@pytest.fixture(scope="module")
def both_database(mongo_server: MongoServer) -> Iterator[Database[dict[str, Any]]]:
    """A database for the collections of a module's tests; it goes with the module."""
    name = f"reconcile_{uuid.uuid4().hex[:12]}"
    with MongoClient[dict[str, Any]](mongo_server.uri, tz_aware=True) as client:
        yield client[name]
        for used in (name, f"{name}_pipeline"):
            client.drop_database(used)


@pytest.fixture
def both(both_database: Database[dict[str, Any]], tmp_path: Path) -> Iterator[Both]:
    """Both sides of a table that the test fills."""
    with ExitStack() as opened:
        yield Both(both_database, f"rows_{uuid.uuid4().hex[:12]}", tmp_path, opened)


@pytest.fixture
def sqlite_proof(mongo_server: MongoServer, tmp_path: Path) -> Iterator[Proof]:
    """An SQLite source and a target of this test's own."""
    with proof(mongo_server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path) as made:
        yield made


@pytest.fixture
def postgres_proof(mongo_server: MongoServer, postgres_database: str, tmp_path: Path) -> Iterator[Proof]:
    """A PostgreSQL source and a target of this test's own."""
    with proof(mongo_server.uri, postgres_database, tmp_path) as made:
        yield made


@pytest.fixture
def small_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loads cut their tables into stretches of 100 keys, so that a table of a test has several."""
    monkeypatch.setattr(batching, "BATCH_ROWS", 100)
    monkeypatch.setattr(ranges, "RANGE_DOCUMENTS", 100)
    monkeypatch.setattr(verify, "STRETCH_RANGES", 1)
