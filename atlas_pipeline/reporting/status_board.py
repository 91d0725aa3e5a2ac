"""Looking up how a catalog's tables stand: in the source, the collections, the quarantine and the ledger.

What does not belong here: the verdict (`readiness`), and what the board looks like (`board`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from atlas_pipeline.extract.schema import SchemaFindings
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.evolution import as_recorded, judge
from atlas_pipeline.load.indexes import existing_indexes, same_definition
from atlas_pipeline.load.lease import living_lease
from atlas_pipeline.load.quarantine import COLLECTION
from atlas_pipeline.load.run import Holder
from atlas_pipeline.load.target import Target, collection_info
from atlas_pipeline.reporting import readiness
from atlas_pipeline.reporting.board import TableStatus
from atlas_pipeline.reporting.readiness import Counted
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.sync import DELETED_AT
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

_FAILED = ["failed", "withheld", "died", "running"]
"""What the ledger calls a run that published nothing. One that is `running` there, and has no lease, has died."""


def table_status(target: Target, catalog: CatalogSpec, table: TableSpec, snapshot: Snapshot | None) -> TableStatus:
    """Look one table up.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: Which table.
        snapshot: A view of the source, which is counted then, and so is the collection. None: rows, documents and drift
            are those of the last sync, and neither side is read.
    """
    pipeline, table_id = target.pipeline_database(catalog), f"{catalog.name}.{table.collection}"
    state: Document = pipeline["tables"].find_one({"_id": table_id}) or {}
    published: Document = state.get("published") or {}
    lease = living_lease(pipeline["tables"], table_id) if state.get("lease") else None
    running, failed = _runs(target, catalog, table, published, lease)
    rows, drift, against = _source(table, state, snapshot)
    counted, soft_deleted, exists = _collection(target, catalog, table, published, rows, exact=snapshot is not None)
    synced = as_recorded(table, state)
    verification = readiness.last_verification(synced, state)
    if exists:
        against += readiness.against(synced, state, counted, verification=verification, failed=failed, running=running)
    else:
        against += ["never synced", *readiness.last_failure(failed)]
    watermark = published.get("watermark") if table.sync.cursor is not None else None
    known = watermark or published.get("snapshot_at") or published.get("at")
    now = datetime.now(UTC) if snapshot is None else snapshot.time.now
    return TableStatus(
        catalog=catalog.name,
        table=table.source,
        collection=table.collection,
        policy=table.sync.mode,
        counts="last sync" if snapshot is None else "now",
        counted=counted,
        indexes_wanted=len(table.indexes),
        soft_deleted=soft_deleted,
        last_sync=published.get("at"),
        last_reconciled=(state.get("reconciled") or {}).get("at"),
        watermark=watermark,
        lag_seconds=max(0.0, (now - known).total_seconds()) if known else None,
        verification=verification,
        drift=tuple(drift),
        running=running,
        failed=failed,
        against=tuple(against),
        in_favour=readiness.in_favour(verification),
    )


def catalog_status(
    target: Target, catalog: CatalogSpec, tables: Iterable[TableSpec], snapshot: Snapshot | None
) -> list[TableStatus]:
    """Look tables of one catalog up; see `table_status`."""
    with target.translated():
        return [table_status(target, catalog, table, snapshot) for table in tables]


def _source(table: TableSpec, state: Document, snapshot: Snapshot | None) -> tuple[int | None, list[str], list[str]]:
    """Rows, drift, and what the source has against a sync."""
    if snapshot is None:
        published = state.get("published") or {}
        schema = published.get("schema") or {}
        known = SchemaFindings(
            table=table.source,
            retyped=tuple(schema.get("retyped", ())),
            unknown=tuple(schema.get("unknown", ())),
            evolved=tuple(one["name"] for one in schema.get("evolved", ())),
            refused=tuple(one["name"] for one in schema.get("refused", ())),
        )
        return published.get("source_rows"), _drift(known), []
    judged = judge(snapshot, table, state)
    against = [" ".join(judged.stops).rstrip(".")] if judged.stops else []
    rows = None if judged.findings.missing else snapshot.count(table)
    new = [sentence for sentence in judged.stops if sentence not in judged.findings.missing]
    return rows, new + _drift(judged.findings), against


def _drift(findings: SchemaFindings) -> list[str]:
    return [
        *findings.missing,
        *findings.retyped,
        *(f"{name} is at the source and is not moved" for name in findings.unknown),
        *(f"{name} appeared at the source and joined the documents" for name in findings.evolved),
        *(f"{name} appeared at the source; rows that have it go to the quarantine" for name in findings.refused),
    ]


def _collection(
    target: Target, catalog: CatalogSpec, table: TableSpec, published: Document, rows: int | None, *, exact: bool
) -> tuple[Counted, int, bool]:
    """What is there of the table, how many of its documents are marked as deleted, and whether it is there at all."""
    database, pipeline = target.database(catalog), target.pipeline_database(catalog)
    of_table = {"catalog": catalog.name, "collection": table.collection}
    entries = {**of_table, "published": True}
    exists = collection_info(database, table.collection) is not None
    documents = soft_deleted = right = 0
    if exists:
        collection = database[table.collection]
        there = existing_indexes(collection)
        right = sum(index.name in there and same_definition(index, there[index.name]) for index in table.indexes)
        soft_deleted = int(published.get("soft_deleted", 0))
        if exact and table.sync.deletes == "soft":
            soft_deleted = collection.count_documents({DELETED_AT: {"$ne": None}})
        documents = int(published.get("documents", 0)) + int(published.get("kept_foreign", 0))
        if exact or not published:
            documents = collection.count_documents({}) - soft_deleted
    counted = Counted(
        source_rows=rows,
        documents=documents,
        quarantined=pipeline[COLLECTION].count_documents(entries),
        discarded=pipeline[COLLECTION].count_documents({**entries, "discarded": True}),
        indexes=right,
        differences=pipeline["differences"].count_documents(of_table),
    )
    return counted, soft_deleted, exists


def _runs(
    target: Target, catalog: CatalogSpec, table: TableSpec, published: Document, lease: Document | None
) -> tuple[Document | None, Document | None]:
    """Who works on the table, and the last run if it failed after the last sync that did not."""
    runs = target.pipeline_database(catalog)["runs"]
    of_table = {"catalog": catalog.name, "collection": table.collection}
    running = None
    if lease is not None:
        record = runs.find_one({**of_table, "run_id": lease["run_id"]}, {"phase": 1}) or {}
        process = str(Holder.from_document(lease["holder"]))
        running = {"run_id": lease["run_id"], "process": process, "since": lease["since"], "phase": record.get("phase")}
    ended: Document = {**of_table, "run_id": {"$ne": lease["run_id"] if lease else None}, "status": {"$in": _FAILED}}
    last = runs.find_one(ended, sort=[("started", -1)])
    at = last and (last.get("ended") or last["started"])
    if last is None or (published and at <= published["at"]):
        return running, None
    return running, {"run_id": last["run_id"], "at": at, "error": _why(last)}


def _why(record: Document) -> str:
    if error := record.get("error"):
        return str(error)
    if record["status"] in ("running", "died"):
        return f"run {record['run_id']} died in phase {record.get('phase')}"
    failed = [check["name"] for check in record.get("checks", []) if not check["passed"] and check["blocking"]]
    return f"not published for {', '.join(failed) or record['status']}"
