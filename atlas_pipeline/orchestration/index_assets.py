"""The indexes of a collection, as an asset behind it, and their confirmation by whoever publishes the collection.

What does not belong here: creating indexes (`atlas_pipeline.load.indexes`), and what is shown (`metadata`).

No postponed annotations here: Dagster reads the types of resources from the functions at run time.
"""

from typing import Any

import dagster as dg
from pymongo.collection import Collection

from atlas_pipeline.embedding.vector_index import VectorIndexState, ensure_vector_index
from atlas_pipeline.errors import TargetError
from atlas_pipeline.load import indexes
from atlas_pipeline.load.indexes import IndexChanges
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.target import collection_info
from atlas_pipeline.load.validators import ValidatorState, confirm_validator
from atlas_pipeline.orchestration import metadata
from atlas_pipeline.orchestration.failures import RETRY_POLICY, as_failures
from atlas_pipeline.orchestration.instance import identity
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def index_asset(catalog: CatalogSpec, table: TableSpec) -> dg.AssetsDefinition:
    """The collection's indexes: creates what the swap did not need, restores what was dropped, confirms every one."""
    key = metadata.indexes_key(catalog, table)

    @dg.asset(
        key=key,
        deps=[metadata.collection_key(catalog, table)],
        description=f"Indexes of {catalog.database}.{table.collection}, each confirmed against the server.",
        group_name=catalog.name,
        kinds={"mongodb", "index"},
        owners=[catalog.owner],
        tags={"catalog": catalog.name},
        code_version=table.fingerprint,
        retry_policy=RETRY_POLICY,
        automation_condition=dg.AutomationCondition.eager(),
    )
    def collection_indexes(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> dg.MaterializeResult[None]:
        with as_failures():
            confirmed = confirm_indexes(pipeline, catalog, table, identity(context, catalog))
        changes, _, validator = confirmed
        if validator.state == "kept":
            context.log.warning(f"{table.collection}: {validator.told}")
        for name in changes.strangers:
            context.log.warning(f"{table.collection}: index {name} is not in the spec; it was left alone")
        return dg.MaterializeResult(asset_key=key, metadata=metadata.index_metadata(table, *confirmed))

    return collection_indexes


def confirm_indexes(
    pipeline: PipelineResource, catalog: CatalogSpec, table: TableSpec, run: RunIdentity
) -> tuple[IndexChanges, VectorIndexState | None, ValidatorState]:
    """Create, restore and confirm the indexes and the validator of a published collection, and record that."""
    with pipeline.target.translated():
        database = pipeline.target.database(catalog)
        if collection_info(database, table.collection) is None:
            raise TargetError(f"{database.name}.{table.collection} does not exist.", "sync the table first")
        changes = indexes.ensure(database[table.collection], table.indexes, comment=run.run_id)
        vector_index = _vector_index(database[table.collection], table, run.run_id)
        told = {"vector_index": vector_index.state} if vector_index else {}
        ledger = TableLedger(pipeline.target.pipeline_database(catalog), catalog, table, run)
        validator = confirm_validator(database, table, ledger)
        ledger.note(indexes=len(table.indexes), validator=validator.state, **told)
    return changes, vector_index, validator


def _vector_index(collection: Collection[Any], table: TableSpec, run_id: str) -> VectorIndexState | None:
    """How it stands with the table's vector search index, if it asks for one; created where the server can."""
    return ensure_vector_index(collection, table.embedding, comment=run_id) if table.embedding else None
