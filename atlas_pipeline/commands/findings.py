"""What the doctor finds in one collection: what stands against a sync, storage, indexes, vectors, latency.

Each is asked of the server; what cannot be asked is wrong, never left out. What does not belong here: source, schema
and permissions (`doctor`).
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from atlas_pipeline.errors import AtlasError

if TYPE_CHECKING:
    from atlas_pipeline.extract.snapshot import Snapshot
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.spec.catalogs import CatalogSpec
    from atlas_pipeline.spec.tables import TableSpec

SLOW_MS = 100
"""A point read that takes longer is noted, in milliseconds."""
LARGE_ROWS = 5_000_000
"""From so many rows on a load in ranges is recommended. At 13,000 rows a second (docs/performance.md) that is six
minutes in one step, which a fault near its end would cost once more, and which other cores do not shorten.
"""
_READS = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the doctor looked at."""

    subject: str
    state: Literal["ok", "note", "wrong"]
    detail: str
    cure: str = ""


def wrong(subject: str, error: AtlasError) -> Finding:
    """An error as a finding."""
    return Finding(subject, "wrong", error.message, error.cure)


def examine_collection(
    target: Target, catalog: CatalogSpec, table: TableSpec, snapshot: Snapshot | None
) -> Iterator[Finding]:
    """Everything about one collection."""
    from atlas_pipeline.load.target import collection_info

    database = target.database(catalog)
    if snapshot is not None and table.source in snapshot.tables():
        yield from _rows(catalog, table, snapshot)
        yield from _against_a_sync(target, catalog, table, snapshot)
    try:
        with target.translated():
            info = collection_info(database, table.collection)
            if info is None:
                yield Finding(f"{table.collection}: collection", "note", "not synced yet", "sync the table")
                return
            yield _storage(table, info)
            yield _indexes(table, database[table.collection])
            if table.shard_key is not None:
                yield _sharding(table, database)
            if table.storage == "plain":
                yield _validator(target, catalog, table)
            if table.embedding is not None:
                yield from _vectors(table, database[table.collection])
            yield _latency(table, database[table.collection])
    except AtlasError as error:
        yield wrong(table.collection, error)


def _rows(catalog: CatalogSpec, table: TableSpec, snapshot: Snapshot) -> Iterator[Finding]:
    subject = f"rows of {table.source}"
    try:
        rows = snapshot.count(table)
    except AtlasError as error:
        yield wrong(subject, error)
        return
    yield Finding(subject, "ok", f"{rows:,} can be read")
    if recommends_ranges(catalog, table, rows):
        yield Finding(subject, "note", "it is large, and loaded in one step", "give its policy load='ranged'")


def recommends_ranges(catalog: CatalogSpec, table: TableSpec, rows: int) -> bool:
    """Whether a table of so many rows should be loaded in ranges, and can be. An SQLite source has one reader."""
    from atlas_pipeline.mapping.keys import KeyCodec

    can_be = table.storage == "plain" and catalog.publish == "each" and KeyCodec(table).order_preserving
    return can_be and catalog.dialect == "postgresql" and table.sync.load == "whole" and rows >= LARGE_ROWS


def _against_a_sync(target: Target, catalog: CatalogSpec, table: TableSpec, snapshot: Snapshot) -> Iterator[Finding]:
    from atlas_pipeline.load.guards import Guards
    from atlas_pipeline.load.ledger import TableLedger
    from atlas_pipeline.load.run import Holder, RunIdentity

    run = RunIdentity(run_id="doctor", holder=Holder.this_process())
    guards = Guards(
        database=target.database(catalog),
        ledger=TableLedger(target.pipeline_database(catalog), catalog, table, run),
        table=table,
        snapshot=snapshot,
        comment="doctor",
    )
    found = []
    for name, require in guards.questions(guards.of_policy()).items():
        try:
            with target.translated():
                require()
        except AtlasError as error:
            found.append(wrong(f"{table.collection}: {name}", error))
    yield from found or [Finding(table.collection, "ok", "nothing stands against a sync")]


def _storage(table: TableSpec, info: dict[str, Any]) -> Finding:
    subject = f"{table.collection}: storage"
    kind = "plain" if info["type"] == "collection" else "time_series" if info["type"] == "timeseries" else info["type"]
    if kind != table.storage:
        return Finding(
            subject, "wrong", f"the collection is {kind}, the spec says {table.storage}", "move it away, then sync"
        )
    if table.storage == "plain" or table.time_series is None:
        return Finding(subject, "ok", "an ordinary collection")
    wanted, reported = table.time_series.options(), info["options"]["timeseries"]
    other = [name for name, value in wanted.items() if reported.get(name) != value]
    told = ", ".join(f"{name} {reported.get(name)}" for name in wanted)
    if other:
        return Finding(
            subject, "wrong", f"a time series with {told}", f"the spec says {wanted}; move it away, then sync"
        )
    return Finding(subject, "ok", f"a time series with {told}")


def _indexes(table: TableSpec, collection: Any) -> Finding:
    from atlas_pipeline.load.indexes import existing_indexes, made_by_server, same_definition

    subject = f"{table.collection}: indexes"
    existing = existing_indexes(collection)
    missing = [index.name for index in table.indexes if index.name not in existing]
    other = [
        index.name
        for index in table.indexes
        if index.name in existing and not same_definition(index, existing[index.name])
    ]
    known = {index.name for index in table.indexes} | made_by_server(collection)
    strangers = sorted(set(existing) - known)
    told = [(missing, "missing"), (other, "defined differently"), (strangers, "not in the spec")]
    sentence = "; ".join(f"{what}: {', '.join(names)}" for names, what in told if names)
    if sentence:
        return Finding(subject, "note", sentence, "a sync restores those of the spec")
    return Finding(subject, "ok", f"all {len(table.indexes)} as specified")


def _sharding(table: TableSpec, database: Any) -> Finding:
    from atlas_pipeline.load.sharding import is_sharded, live_key

    subject = f"{table.collection}: sharding"
    if not is_sharded(database.client):
        return Finding(subject, "note", f"shard_key={table.shard_key} is ignored: the server is no router of a cluster")
    key = live_key(database, table.collection)
    if key is None:
        return Finding(subject, "note", "the collection is not sharded yet", "sync the table with --mode reload")
    return Finding(subject, "ok", f"sharded by {key}")


def _validator(target: Target, catalog: CatalogSpec, table: TableSpec) -> Finding:
    from atlas_pipeline.load.evolution import as_recorded
    from atlas_pipeline.load.ledger import TableLedger
    from atlas_pipeline.load.run import Holder, RunIdentity
    from atlas_pipeline.load.validators import look_at_validator

    run = RunIdentity(run_id="doctor", holder=Holder.this_process())
    ledger = TableLedger(target.pipeline_database(catalog), catalog, table, run)
    found = look_at_validator(target.database(catalog), as_recorded(table, ledger.state()), ledger)
    subject = f"{table.collection}: validator"
    if found.state in ("none", "as specified"):
        return Finding(subject, "ok", found.told)
    if found.state == "kept":
        return Finding(subject, "note", found.told)
    return Finding(subject, "note", "it is not the one of the spec", "a sync brings it")


def _vectors(table: TableSpec, collection: Any) -> Iterator[Finding]:
    """All documents are counted by model and dimension; one of another kind would be found nowhere."""
    from atlas_pipeline.embedding.vector_index import look_at_vector_index

    embedding = table.embedding
    assert embedding is not None
    subject = f"{table.collection}: vectors"
    told = {"model": f"${embedding.info_path}.model", "size": {"$size": {"$ifNull": [f"${embedding.path}", []]}}}
    kinds = list(collection.aggregate([{"$group": {"_id": told, "count": {"$sum": 1}}}, {"$sort": {"count": -1}}]))
    sentence = "; ".join(
        f"{kind['count']:,} of {kind['_id'].get('model') or 'no model'}, {kind['_id']['size']} dimensions"
        for kind in kinds
    )
    right = all(kind["_id"]["size"] in (embedding.dimensions, 0) for kind in kinds) and len(kinds) <= 2
    complete = all(kind["_id"]["size"] == embedding.dimensions for kind in kinds)
    state: Literal["ok", "note", "wrong"] = "ok" if complete and len(kinds) <= 1 else "note" if right else "wrong"
    yield Finding(subject, state, sentence or "no documents", "" if state == "ok" else "sync the table")
    index = look_at_vector_index(collection, embedding)
    yield Finding(
        f"{table.collection}: vector index",
        "ok" if index.state == "ready" else "note",
        f"{index.name} is {index.state}: {index.reason}",
        "" if index.state == "ready" else index.command,
    )


def _latency(table: TableSpec, collection: Any) -> Finding:
    took = []
    for _ in range(_READS):
        began = time.perf_counter()
        collection.find_one({})
        took.append((time.perf_counter() - began) * 1_000)
    median = statistics.median(took)
    return Finding(
        f"{table.collection}: latency",
        "ok" if median <= SLOW_MS else "note",
        f"one document in {median:.1f} ms (median of {_READS})",
        "" if median <= SLOW_MS else "look at the server's load and the way to it",
    )
