"""The state of one table as source, collection, quarantine and ledger tell it now."""

from __future__ import annotations

from typing import Any

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.schema import inspect_schema, require_schema
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.indexes import existing_indexes, same_definition
from atlas_pipeline.load.quarantine import COLLECTION
from atlas_pipeline.load.target import Target, collection_info
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

_COUNTED_HERE = "no_rejected_rows"
"""The check whose rows may have landed, or have been discarded, since the last sync."""


def table_status(target: Target, catalog: CatalogSpec, table: TableSpec, snapshot: Snapshot) -> dict[str, Any]:
    """Counts are exact and of this moment. `ready` says whether anything known stands against reading from MongoDB."""
    database, pipeline = target.database(catalog), target.pipeline_database(catalog)
    state = pipeline["tables"].find_one({"_id": f"{catalog.name}.{table.collection}"}) or {}
    published, verified = state.get("published") or {}, state.get("verified") or {}
    source_rows: int | None = None
    against: list[str] = []
    try:
        require_schema(inspect_schema(snapshot, [table]))
        source_rows = snapshot.count(table)
    except SourceError as error:
        against.append(error.message)
    documents = quarantined = discarded = right = 0
    if collection_info(database, table.collection) is None:
        against.append("never synced")
    else:
        documents = database[table.collection].count_documents({})
        existing = existing_indexes(database[table.collection])
        right = sum(index.name in existing and same_definition(index, existing[index.name]) for index in table.indexes)
        of_table = {"catalog": catalog.name, "collection": table.collection, "published": True}
        quarantined = pipeline[COLLECTION].count_documents(of_table)
        discarded = pipeline[COLLECTION].count_documents({**of_table, "discarded": True})
        against += _against(
            table,
            published,
            source_rows=source_rows,
            documents=documents,
            quarantined=quarantined,
            discarded=discarded,
            indexes=right,
        )
        of_table.pop("published")
        if differing := pipeline["differences"].count_documents(of_table):
            against.append(f"{differing:,} differences were found by a verification; repair or sync")
    return {
        "catalog": catalog.name,
        "table": table.source,
        "collection": table.collection,
        "source_rows": source_rows,
        "documents": documents,
        "quarantined": quarantined,
        "discarded": discarded,
        "indexes": right,
        "last_sync": published["at"].isoformat(timespec="seconds") if published else None,
        "last_verified": verified["at"].isoformat(timespec="seconds") if verified else None,
        "ready": not against,
        "because": "; ".join(against) or _in_favour(published, verified),
    }


def _in_favour(published: dict[str, Any], verified: dict[str, Any]) -> str:
    held = "counts, keys, bytes, sample and indexes held at the last sync"
    if verified and verified["at"] > published["at"]:
        held += ", and every value when it was verified after it"
    return held


def _against(
    table: TableSpec,
    published: dict[str, Any],
    *,
    source_rows: int | None,
    documents: int,
    quarantined: int,
    discarded: int,
    indexes: int,
) -> list[str]:
    against = []
    if not published:
        return ["the collection was not made by this pipeline"]
    kept = int(published.get("kept_foreign", 0))
    if source_rows is not None and source_rows != documents - kept + quarantined:
        against.append("rows and documents do not add up; sync again")
    if rejected := quarantined - discarded:
        against.append(f"{rejected:,} rows in quarantine")
    if indexes < len(table.indexes):
        against.append(f"{len(table.indexes) - indexes} of {len(table.indexes)} indexes missing or different")
    if published.get("spec") != table.fingerprint:
        against.append("the spec changed since the last sync")
    failed = [
        check["name"]
        for check in published.get("checks", [])
        if not check["passed"] and check["severity"] == "ERROR" and check["name"] != _COUNTED_HERE
    ]
    if failed:
        against.append(f"failed checks: {', '.join(failed)}")
    return against
