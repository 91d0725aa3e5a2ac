"""The state of one table as source, collection, quarantine and ledger tell it now."""

from __future__ import annotations

from typing import Any

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.schema import inspect_schema, require_schema
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.indexes import existing_indexes, same_definition
from atlas_pipeline.load.target import Target, collection_info
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def table_status(target: Target, catalog: CatalogSpec, table: TableSpec, snapshot: Snapshot) -> dict[str, Any]:
    """Counts are exact and of this moment. `ready` says whether anything known stands against reading from MongoDB."""
    database, pipeline = target.database(catalog), target.pipeline_database(catalog)
    state = pipeline["tables"].find_one({"_id": f"{catalog.name}.{table.collection}"}) or {}
    published = state.get("published") or {}
    source_rows: int | None = None
    against: list[str] = []
    try:
        require_schema(inspect_schema(snapshot, [table]))
        source_rows = snapshot.count(table)
    except SourceError as error:
        against.append(error.message)
    documents = quarantined = right = 0
    if collection_info(database, table.collection) is None:
        against.append("never synced")
    else:
        documents = database[table.collection].count_documents({})
        existing = existing_indexes(database[table.collection])
        right = sum(index.name in existing and same_definition(index, existing[index.name]) for index in table.indexes)
        of_table = {"catalog": catalog.name, "collection": table.collection, "published": True}
        quarantined = pipeline["quarantine"].count_documents(of_table)
        against += _against(table, published, source_rows, documents, quarantined, right)
    return {
        "catalog": catalog.name,
        "table": table.source,
        "collection": table.collection,
        "source_rows": source_rows,
        "documents": documents,
        "quarantined": quarantined,
        "indexes": right,
        "last_sync": published["at"].isoformat(timespec="seconds") if published else None,
        "last_verified": None,
        "ready": not against,
        "because": "; ".join(against) or "counts, keys, bytes, sample and indexes held at the last sync",
    }


def _against(
    table: TableSpec, published: dict[str, Any], source_rows: int | None, documents: int, quarantined: int, right: int
) -> list[str]:
    against = []
    if not published:
        return ["the collection was not made by this pipeline"]
    kept = int(published.get("kept_foreign", 0))
    if source_rows is not None and source_rows != documents - kept + quarantined:
        against.append("rows and documents do not add up; sync again")
    if quarantined:
        against.append(f"{quarantined:,} rows in quarantine")
    if right < len(table.indexes):
        against.append(f"{len(table.indexes) - right} of {len(table.indexes)} indexes missing or different")
    if published.get("spec") != table.fingerprint:
        against.append("the spec changed since the last sync")
    failed = [
        check["name"] for check in published.get("checks", []) if not check["passed"] and check["severity"] == "ERROR"
    ]
    if failed:
        against.append(f"failed checks: {', '.join(failed)}")
    return against
