"""The platform's sample in both shapes, synced into a real MongoDB, beside what the plain mapping makes of it.

What belongs here: making such a state and reading it. What does not: what is held of it (the tests).
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import bson
import psycopg
from bson import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo.database import Database

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.embedding.hashing import HashingEmbedder
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load import indexes
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline.orchestration.table_sync import TableSync
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.project_files import write_project
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.catalogs.facts_investigation_platform import FACTS, TIME_SERIES, VECTOR
from atlas_pipeline_tests.plain_platform import plain_document
from atlas_pipeline_tests.plain_platform_values import RefusedError, plain_rows
from atlas_pipeline_tests.postgres import empty_database

AWARE = CodecOptions[dict[str, Any]](tz_aware=True)
RAW = CodecOptions[RawBSONDocument](document_class=RawBSONDocument)
COLLECTIONS = list(FACTS)
SMALL = PlatformSize.small()
SHAPES = ("orm", "sql")
Synced = dict[str, "State"]


def opened(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A plain connection to a database, by its SQLAlchemy URL."""
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"))


@dataclass(frozen=True)
class State:
    """A source database and what was made of it."""

    url: str = field(repr=False)
    catalog: CatalogSpec = field(repr=False)
    database: Database[dict[str, Any]]
    pipeline: Database[dict[str, Any]]
    facts: Mapping[str, LoadFacts] = field(repr=False)
    expected: Mapping[str, Mapping[bytes, bytes]] = field(repr=False)
    refused: Mapping[str, list[list[str]]] = field(repr=False)

    def stored(self, collection: str) -> dict[bytes, bytes]:
        """Encoded `_id` -> what is stored, embedding taken off, in the form that `comparable` gives it."""
        documents: Any = self.database.get_collection(collection, codec_options=RAW).find({})
        found = [comparable(collection, document.raw) for document in documents]
        keyed = {id_of(document): document for document in found}
        assert len(keyed) == len(found)
        return keyed


def id_of(document: bytes) -> bytes:
    return bson.encode({"": RawBSONDocument(document)["_id"]})


def comparable(collection: str, raw: bytes) -> bytes:
    """A document without its vector; of a time series, whose server reorders fields, with sorted ones."""
    if collection not in TIME_SERIES and collection != VECTOR["collection"]:
        return raw
    document = bson.decode(raw, AWARE)
    if collection == VECTOR["collection"]:
        for name in ("embedding_info", "embedding"):
            if name in document:
                assert list(document)[-1] == name
                del document[name]
        return bson.encode(document)
    document["metadata"] = dict(sorted(document["metadata"].items()))
    return bson.encode({"_id": document["_id"], **dict(sorted(document.items()))})


def plainly(url: str) -> tuple[dict[str, dict[bytes, bytes]], dict[str, list[list[str]]]]:
    """What the plain mapping makes of a source: by collection, documents by `_id`, and keys of rows it refuses."""
    expected: dict[str, dict[bytes, bytes]] = {name: {} for name in COLLECTIONS}
    refused: dict[str, list[list[str]]] = {name: [] for name in COLLECTIONS}
    with opened(url) as connection:
        detector_types = {row["id"]: row["type"] for row in plain_rows(connection, "detectors")}
        for collection, facts in FACTS.items():
            for row in plain_rows(connection, facts["source"]):
                try:
                    document = bson.encode(plain_document(collection, row, detector_types))
                except RefusedError:
                    refused[collection].append([row[name] for name in facts["key"]])
                else:
                    expected[collection][id_of(document)] = comparable(collection, document)
    return expected, refused


@contextmanager
def synced(mongo: MongoServer, url: str, state: Path | None) -> Iterator[State]:
    """Every table of the catalog in databases of its own; without a state folder, by their loads alone."""
    catalog = replace(INVESTIGATION_PLATFORM, database=f"platform_{uuid.uuid4().hex[:12]}")
    with Target(mongo.uri) as target:
        try:
            facts = load_all(target, catalog, url) if state is None else sync_all(target, catalog, url, state)
            database, pipeline = target.database(catalog), target.pipeline_database(catalog)
            yield State(url, catalog, database, pipeline, facts, *plainly(url))
        finally:
            target.client.drop_database(catalog.database)
            target.client.drop_database(catalog.pipeline_database)


def sync_all(
    target: Target, catalog: CatalogSpec, url: str, state: Path, only: Collection[str] = COLLECTIONS
) -> dict[str, LoadFacts]:
    """One run of these tables with all that belongs to it; each must be published."""
    write_project(state / "expectations", [catalog])
    expectations = ExpectationsProject(root=state / "expectations", state=state, reports_url="http://127.0.0.1:3001")
    results = {}
    for table, snapshot, run in each_table(catalog, url, only):
        result = TableSync(
            target=target,
            catalog=catalog,
            table=table,
            snapshot=snapshot,
            expectations=expectations,
            run=run,
            embedder=HashingEmbedder(384),
        ).go()
        assert result.published, table.source
        assert (result.counts.duplicate_keys, result.counts.missing_keys, result.counts.extra_keys) == (0, 0, 0)
        results[table.collection] = result.facts
        indexes.ensure(target.database(catalog)[table.collection], table.indexes, comment=run.run_id)
    return results


def load_all(
    target: Target, catalog: CatalogSpec, url: str, only: Collection[str] = COLLECTIONS
) -> dict[str, LoadFacts]:
    """One run of these tables without the caller's checks, and without vectors."""
    facts = {}
    for table, snapshot, run in each_table(catalog, url, only):
        way: Any = SeriesLoad if table.storage == "time_series" else Reload
        with way(target=target, catalog=catalog, table=table, snapshot=snapshot, run=run) as load:
            load.copy()
            load.build()
            load.publish()
        indexes.ensure(target.database(catalog)[table.collection], table.indexes, comment=run.run_id)
        facts[table.collection] = load.facts
    return facts


def each_table(
    catalog: CatalogSpec, url: str, only: Collection[str]
) -> Iterator[tuple[TableSpec, Snapshot, RunIdentity]]:
    """The tables of one run, each with a snapshot of its own."""
    source = open_source(catalog, url, copies=Path("unused"), timeout_seconds=10)
    run = RunIdentity(run_id=uuid.uuid4().hex, holder=Holder.this_process())
    for table in catalog.tables:
        if table.collection in only:
            with source.snapshot(label=run.run_id) as snapshot:
                yield table, snapshot, run


@contextmanager
def both_shapes(
    write: Callable[..., None], mongo: MongoServer, postgres: PostgresServer, folder: Path | None = None
) -> Iterator[Synced]:
    """A state for each shape, whose source `write` has filled; with a folder, the second with all checks of a run."""
    with ExitStack() as stack:
        states = {}
        for shape in SHAPES:
            url = stack.enter_context(empty_database(postgres))
            write(url, shape=shape, size=SMALL)
            states[shape] = stack.enter_context(synced(mongo, url, folder if shape == SHAPES[-1] else None))
        yield states


def keys_that_differ(expected: Mapping[bytes, bytes], found: Mapping[bytes, bytes]) -> list[Any]:
    different = {key for key in expected.keys() | found.keys() if expected.get(key) != found.get(key)}
    return [bson.decode(key)[""] for key in sorted(different)]
