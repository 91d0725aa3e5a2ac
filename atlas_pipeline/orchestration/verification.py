"""The check of all values in Dagster: one check per collection. Its job and schedule are in `automation`.

It compares what is live, so it is not part of the step that syncs a table. What does not belong here: comparing
(`atlas_pipeline.reconcile`).

No postponed annotations here: Dagster reads the types of configuration and resources from the functions at run time.
"""

import dagster as dg

from atlas_pipeline.orchestration import metadata
from atlas_pipeline.orchestration.failures import as_failures
from atlas_pipeline.orchestration.instance import CATALOG_TAG, source_pool
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.quality.values import values, values_check
from atlas_pipeline.reconcile.verify import verify_table
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def values_asset_check(catalog: CatalogSpec, table: TableSpec) -> dg.AssetChecksDefinition:
    """The check that compares every value of a collection with its rows."""
    definition = values_check(table)
    key = metadata.collection_key(catalog, table)

    @dg.asset_check(
        asset=key,
        name=definition.name,
        blocking=definition.blocking,
        description=definition.description,
        pool=source_pool(catalog),
    )
    def values_match_source(context: dg.AssetCheckExecutionContext, pipeline: PipelineResource) -> dg.AssetCheckResult:
        context.instance.add_run_tags(context.run.run_id, {CATALOG_TAG: catalog.name})
        with as_failures():
            found = verify_table(pipeline.opened(catalog, table, context.run.run_id))
        return metadata.check_result(values(table, found), key)

    return values_match_source
