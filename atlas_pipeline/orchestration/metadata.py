"""Plain results as Dagster metadata: what the UI shows of a table, a check and an index asset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from atlas_pipeline.embedding.vector_index import VectorIndexState
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.indexes import IndexChanges
from atlas_pipeline.load.validators import ValidatorState
from atlas_pipeline.orchestration.staged import TableResult
from atlas_pipeline.quality.checks import ROWS_SHOWN, CheckOutcome
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def source_key(catalog: CatalogSpec, table: str) -> dg.AssetKey:
    return dg.AssetKey(["source", catalog.name, table])


def collection_key(catalog: CatalogSpec, table: TableSpec) -> dg.AssetKey:
    return dg.AssetKey([catalog.name, table.collection])


def indexes_key(catalog: CatalogSpec, table: TableSpec) -> dg.AssetKey:
    return dg.AssetKey([catalog.name, f"{table.collection}_indexes"])


def step_of(catalog: CatalogSpec, table: TableSpec) -> str:
    """Name of the step that syncs a table, by which it gets its configuration."""
    if catalog.publish == "together":
        return f"publish_{catalog.name}"
    return "__".join(collection_key(catalog, table).path)


def table_records(rows: Sequence[Mapping[str, str | int]]) -> dg.TableMetadataValue:
    """Records of one shape as a table; all columns as text where they differ in type."""
    return dg.MetadataValue.table([dg.TableRecord(dict(row)) for row in rows])


def source_schema(table: TableSpec) -> dg.TableSchema:
    """Columns of the source table as the spec describes them."""
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                column.sql_type,
                description=column.about or None,
                constraints=dg.TableColumnConstraints(nullable=column.nullable, unique=(column.name,) == table.key),
            )
            for column in table.columns
        ]
    )


def document_schema(table: TableSpec) -> dg.TableSchema:
    """Fields of the documents with their BSON types."""
    key = " + ".join(column.bson_types[0] for column in table.key_columns)
    fields = [dg.TableColumn("_id", key, constraints=dg.TableColumnConstraints(nullable=False, unique=True))]
    for leaf in table.leaves:
        kind = leaf.bson_types[0] if len(leaf.bson_types) < 6 else "any"
        fields.append(
            dg.TableColumn(
                leaf.path,
                kind,
                description=leaf.about or None,
                constraints=dg.TableColumnConstraints(nullable=leaf.nullable),
            )
        )
    return dg.TableSchema(columns=fields)


def column_lineage(catalog: CatalogSpec, table: TableSpec) -> dg.TableColumnLineage:
    """Which source column each field comes from."""
    source = source_key(catalog, table.source)
    deps = {"_id": [dg.TableColumnDep(asset_key=source, column_name=name) for name in table.key]}
    for leaf in table.leaves:
        if leaf.columns:
            deps[leaf.path] = [dg.TableColumnDep(asset_key=source, column_name=name) for name in leaf.columns]
    return dg.TableColumnLineage(deps_by_column=deps)


def lineage_table(table: TableSpec) -> dg.TableMetadataValue:
    """The same to read: the open-source UI shows column lineage as raw metadata only."""
    rows: list[dict[str, str | int]] = [
        {
            "field": "_id",
            "from": ", ".join(f"{table.source}.{name}" for name in table.key),
            "declared": ", ".join(column.sql_type for column in table.key_columns),
            "becomes": document_schema(table).columns[0].type,
        }
    ]
    for leaf in table.leaves:
        rows.append(
            {
                "field": leaf.path,
                "from": f"{table.source}.{leaf.origin}" if leaf.origin in table.column_names else leaf.origin,
                "declared": leaf.declared,
                "becomes": " or ".join(leaf.bson_types),
            }
        )
    return table_records(rows)


def materialization_metadata(
    catalog: CatalogSpec,
    table: TableSpec,
    result: TableResult,
    *,
    address: str,
    known_until: datetime,
    links: Mapping[str, str],
) -> dict[str, Any]:
    """What a materialization of a collection shows.

    Args:
        catalog: Catalog of the table.
        table: Which table.
        result: What its sync did.
        address: The server.
        known_until: The moment up to which the collection has everything that the source has.
        links: Pages by name.
    """
    facts, seconds = result.facts, result.seconds
    load_seconds = max(sum(seconds.get(phase, 0.0) for phase in ("load", "compare", "apply")), 1e-9)
    metadata: dict[str, Any] = {
        "mode": facts.mode,
        "lag_seconds": round(max(0.0, (datetime.now(UTC) - known_until).total_seconds()), 1),
        "dagster/row_count": result.counts.documents,
        "dagster/column_schema": document_schema(table),
        "dagster/column_lineage": column_lineage(catalog, table),
        "dagster/table_name": f"{catalog.database}.{table.collection}",
        "dagster/storage_kind": "mongodb",
        "dagster/uri": f"mongodb://{address}/{catalog.database}.{table.collection}",
        "lineage": lineage_table(table),
        "source_rows": result.counts.source_rows,
        "documents": result.counts.documents,
        "quarantined": result.counts.quarantined,
        "foreign_documents_kept": facts.kept_foreign,
        "orphans": result.counts.orphans,
        "inserted": facts.inserted,
        "replaced": facts.replaced,
        "deleted": facts.deleted,
        "unchanged": facts.unchanged,
        "bytes_written": facts.bytes_sent,
        "duration_seconds": round(seconds["total"], 3),
        "load_seconds": round(load_seconds, 3),
        "rows_per_second": round(facts.read / load_seconds),
        "digest": facts.digest,
        "spec": table.fingerprint,
        **{name: dg.MetadataValue.url(url) for name, url in links.items() if url},
    }
    if facts.watermark is not None:
        metadata["watermark"] = dg.MetadataValue.timestamp(facts.watermark)
    if facts.ranges:
        metadata |= {"key_ranges": facts.ranges, "key_ranges_unchanged": facts.ranges_unchanged}
    if facts.warnings:
        metadata["warnings"] = "; ".join(facts.warnings)
    if facts.fidelity:
        metadata["fidelity"] = table_records(facts.fidelity.records())
    if facts.carried_indexes:
        metadata["indexes_carried_over"] = ", ".join(facts.carried_indexes)
    if facts.vectors:
        metadata["vectors"] = table_records([{"from": name, "vectors": n} for name, n in sorted(facts.vectors.items())])
    if facts.buckets and result.counts.documents:
        metadata |= _of_series(facts, result.counts.documents)
    if facts.recovered:
        metadata["recovered"] = "; ".join(facts.recovered)
    if result.schema.unknown:
        metadata["source_columns_left_alone"] = ", ".join(result.schema.unknown)
    if result.schema.retyped:
        metadata["source_columns_of_another_type"] = "; ".join(result.schema.retyped)
    if result.schema.evolved:
        metadata["source_columns_that_joined"] = ", ".join(result.schema.evolved)
    if result.schema.refused:
        metadata["source_columns_in_quarantine"] = ", ".join(result.schema.refused)
    return metadata


def _of_series(facts: LoadFacts, documents: int) -> dict[str, Any]:
    """What a time series costs, against the same documents in an ordinary collection."""
    return {
        "buckets": facts.buckets,
        "documents_per_bucket": round(documents / facts.buckets, 2),
        "bytes_per_document": round(facts.stored_bytes / documents, 1),
        "bytes_per_document_in_an_ordinary_collection": round(facts.document_bytes / documents, 1),
        "meta_groups_rewritten": facts.meta_groups,
    }


def check_result(outcome: CheckOutcome, asset_key: dg.AssetKey) -> dg.AssetCheckResult:
    """One check as Dagster shows it: what, how many, which."""
    metadata: dict[str, Any] = dict(outcome.facts)
    if outcome.rows:
        metadata["examples"] = table_records(outcome.rows)
        if outcome.truncated:
            metadata["examples_truncated"] = dg.MetadataValue.bool(True)
    if outcome.truncated:
        metadata["note"] = f"only the first {ROWS_SHOWN} are shown; the counts are exact"
    if outcome.link:
        metadata["data_docs"] = dg.MetadataValue.url(outcome.link)
    return dg.AssetCheckResult(
        asset_key=asset_key,
        check_name=outcome.check.name,
        passed=outcome.passed,
        severity=dg.AssetCheckSeverity(outcome.severity),
        description=outcome.summary,
        metadata=metadata,
    )


def check_evaluation(outcome: CheckOutcome, asset_key: dg.AssetKey) -> dg.AssetCheckEvaluation:
    """The same as an event, for a check that is not of the step that made it."""
    result = check_result(outcome, asset_key)
    return dg.AssetCheckEvaluation(
        asset_key=asset_key,
        check_name=outcome.check.name,
        passed=result.passed,
        metadata=result.metadata,
        severity=result.severity,
        description=result.description,
        blocking=outcome.check.blocking,
    )


def index_metadata(
    table: TableSpec,
    changes: IndexChanges,
    vector_index: VectorIndexState | None,
    validator: ValidatorState,
) -> dict[str, Any]:
    """What an index asset found and did."""
    did = dict.fromkeys(changes.created, "created") | dict.fromkeys(changes.replaced, "replaced")
    rows: list[dict[str, str | int]] = [
        {
            "index": index.name,
            "keys": ", ".join(f"{field} {direction:+d}" for field, direction in index.keys),
            "options": ", ".join(index.options()) or "none",
            "state": did.get(index.name, "confirmed"),
        }
        for index in table.indexes
    ]
    metadata: dict[str, Any] = {
        "indexes": len(table.indexes),
        "confirmed": len(changes.confirmed),
        "created": len(changes.created),
        "replaced": len(changes.replaced),
        "strangers": ", ".join(changes.strangers) or "none",
        "validator": f"{validator.state}: {validator.told}",
    }
    if rows:
        metadata["definitions"] = table_records(rows)
    if vector_index is not None:
        metadata["vector_index"] = f"{vector_index.name} is {vector_index.state}: {vector_index.reason}"
        if vector_index.state == "pending":
            metadata["vector_index_command"] = dg.MetadataValue.md(f"```\n{vector_index.command}\n```")
    return metadata
