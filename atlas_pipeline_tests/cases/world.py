"""One source database, and the target that its cases are loaded into.

What belongs here: making tables, loading them, and what is in collection and quarantine afterwards. What does not: what
is expected (`tables.py`), and comparing.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import bson
import psycopg
from bson.codec_options import CodecOptions, DatetimeConversion
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient

from atlas_pipeline.extract.schema import inspect_schema, require_schema
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.reconcile.keys import can_compare, compare_keys
from atlas_pipeline.reconcile.recorded_keys import compare_recorded_keys
from atlas_pipeline.reconcile.sample import SampleKeys, compare_sample
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.cases.case import Dialect, Sql, made
from atlas_pipeline_tests.cases.tables import CaseTable

_AS_HELD: CodecOptions[RawBSONDocument] = CodecOptions(
    document_class=RawBSONDocument, datetime_conversion=DatetimeConversion.DATETIME_MS
)
Connection = sqlite3.Connection | psycopg.Connection[Any]
REFUSALS = (sqlite3.Error, OverflowError, psycopg.Error)
"""What the drivers raise when a database cannot hold a value."""


@dataclass(frozen=True, kw_only=True)
class World:
    """The source database of a dialect.

    Attributes:
        dialect: Its dialect.
        url: Its SQLAlchemy URL.
        connection: To the source, to write there.
        folder: For private copies.
        target: Connection to the server.
        client: A client that is not the pipeline's.
        catalog: The tables of all cases.
    """

    dialect: Dialect
    url: str
    connection: Connection
    folder: Path
    target: Target
    client: MongoClient[dict[str, Any]]
    catalog: CatalogSpec

    def make(self, table: CaseTable) -> None:
        """Make a table of the source with its rows. Its key is not declared, so that it may hold what it should not."""
        for statement in table.case.before.of(self.dialect):
            self.execute(statement)
        columns = ", ".join(f"{quoted(column.name)} {column.sql_type}" for column in table.spec.columns)
        self.execute(f"CREATE TABLE {quoted(table.spec.source)} ({columns})")
        self.insert(table.spec, [values for values, _ in table.rows])

    def insert(self, spec: TableSpec, rows: Sequence[tuple[Any, ...]]) -> None:
        """Insert rows. Raises one of REFUSALS when the database cannot hold one."""
        into = f"{quoted(spec.source)} ({', '.join(map(quoted, spec.column_names))})"
        if self.dialect == "postgresql":
            into = into.replace("%", "%%")
        mark = "?" if self.dialect == "sqlite" else "%s"
        for row in rows:
            places = ", ".join(value.text if isinstance(value, Sql) else mark for value in row)
            bound = [made(value) for value in row if not isinstance(value, Sql)]
            self.execute(f"INSERT INTO {into} VALUES ({places})", bound)

    def execute(self, statement: str, bound: Sequence[Any] = ()) -> None:
        """Run a statement on the source, and commit."""
        if isinstance(self.connection, sqlite3.Connection):
            self.connection.execute(statement, bound)
        else:
            self.connection.execute(statement.encode(), bound or None)

    @contextmanager
    def reading(self) -> Iterator[Snapshot]:
        """A view of the source."""
        source = open_source(self.catalog, self.url, copies=self.folder / "copies", timeout_seconds=5)
        with source.snapshot() as snapshot:
            yield snapshot

    def load(self, spec: TableSpec) -> LoadFacts:
        """Load a table as a run does, and publish it. What a run checks before it publishes must hold."""
        run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
        way = SeriesLoad if spec.storage == "time_series" else Reload
        with self.reading() as snapshot:
            require_schema(inspect_schema(snapshot, [spec]))
            with way(target=self.target, catalog=self.catalog, table=spec, snapshot=snapshot, run=run) as load:
                sample = SampleKeys(spec, source_rows=load.facts.source_rows, seed=1)
                load.copy(partial(_observe, sample, load.mapper))
                load.build(sample.keys())
                _require_what_a_run_checks(load, sample)
                load.publish()
        return load.facts

    def documents(self, spec: TableSpec) -> list[dict[str, bytes]]:
        """The documents as the server holds them: each field's type and value in BSON."""
        collection = self.client[self.catalog.database].get_collection(spec.collection, codec_options=_AS_HELD)
        return [{name: encoded(value) for name, value in document.items()} for document in collection.find()]

    def quarantined(self, spec: TableSpec) -> list[dict[str, Any]]:
        """The entries of a table that are current."""
        entries = self.client[self.catalog.pipeline_database]["quarantine"]
        return list(entries.find({"collection": spec.collection}))


@contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection to a source that commits each statement."""
    if url.startswith("sqlite:"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")
            yield connection
    else:
        with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True) as server:
            yield server


def _observe(sample: SampleKeys, mapper: Mapper, rows: list[Row], mapped: MappedBatch) -> None:
    """Let the sample take note of a batch. One of good rows only must have gone the way of the whole batch."""
    sample.observe(rows, mapped)
    if len(mapped.documents) == len(rows):
        assert mapper._map_in_bulk(rows).documents == mapped.documents


def _require_what_a_run_checks(load: Reload | SeriesLoad, sample: SampleKeys) -> None:
    """All keys are there, and the sample is equal."""
    if isinstance(load, SeriesLoad) or not can_compare(load.table):
        keys = compare_recorded_keys(load.snapshot, load.table, load.recorded_ranges, load.quarantine)
    else:
        keys = compare_keys(load.snapshot, load.table, load.staging, load.quarantine, comment=load.run.run_id)
    assert (keys.missing_examples, keys.extra_examples) == ([], [])
    compared = compare_sample(
        sample, snapshot=load.snapshot, mapper=load.mapper, held=load.held, quarantine=load.quarantine
    )
    assert compared.differing == {}
    assert compared.compared + compared.quarantined + compared.pending > 0


def quoted(name: str) -> str:
    """A name as both dialects quote it."""
    return '"' + name.replace('"', '""') + '"'


def encoded(value: Any) -> bytes:
    """Type and value of a field in BSON: one byte that names the type, then the value."""
    document = bson.encode({"": value})
    return document[4:5] + document[6:-1]
