"""The collection of a table that is loaded in ranges, as a graph of steps: plan, one step for each range, finish.

The outputs between them carry no data: the plan is in the ledger, the rows are in the staging collection. When nothing
is to be loaded anew there are no ranges, and the last step does all of it. What does not belong here: what the steps do
(`ranged_sync`, `table_sync`).

No postponed annotations here: Dagster reads the types of configuration and resources from the functions at run time.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from atlas_pipeline.orchestration import metadata
from atlas_pipeline.orchestration.assets import SyncConfig, check_specs, collection_spec, synced, table_sync
from atlas_pipeline.orchestration.failures import RETRY_POLICY, as_failures
from atlas_pipeline.orchestration.instance import has_ended, identity, source_pool
from atlas_pipeline.orchestration.ranged_sync import give_back_leases, load_stretch, plan_stretches
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

PLAN, LOAD_RANGE, FINISH = "plan", "load_range", "finish"
_RESULT = "result"


def ranged_collection_asset(
    catalog: CatalogSpec, table: TableSpec, freshness: dg.FreshnessPolicy | None
) -> dg.AssetsDefinition:
    """The steps that load the collection of a table, check it and publish it."""
    step, key = metadata.step_of(catalog, table), metadata.collection_key(catalog, table)
    checks = check_specs(key)
    outs = (_RESULT, *(check.get_python_identifier() for check in checks))
    plan, load_range, finish = _plan(catalog, table), _load_range(catalog, table), _finish(catalog, table, outs)

    @dg.graph(
        name=step,
        ins={"source": dg.GraphIn()},
        out={name: dg.GraphOut() for name in outs},
        config=dg.ConfigMapping(config_fn=_for_each, config_schema=SyncConfig.to_config_schema()),
    )
    def ranged(source: Any) -> dict[str, Any]:
        ranges = plan.alias(PLAN)(source=source)
        loaded = ranges.map(lambda one: load_range.alias(LOAD_RANGE)(planned=one))
        done = finish.alias(FINISH)(loaded=loaded.collect())
        return {name: getattr(done, name) for name in outs}

    asset = dg.AssetsDefinition.from_graph(
        ranged,
        keys_by_input_name={"source": metadata.source_key(catalog, table.source)},
        keys_by_output_name={_RESULT: key},
        check_specs=checks,
    )
    return asset.map_asset_specs(lambda _: collection_spec(catalog, table, freshness))


def _for_each(config: Any) -> dict[str, Any]:
    """The configuration of the asset is that of its first and its last step."""
    return {PLAN: {"config": config}, FINISH: {"config": config}}


def _plan(catalog: CatalogSpec, table: TableSpec) -> dg.OpDefinition:
    @dg.op(
        name=_name(catalog, table, PLAN),
        ins={"source": dg.In(dg.Nothing)},
        out=dg.DynamicOut(dg.Nothing),
        description=f"Plans the ranges of {table.source} that are still to be loaded, if it is to be loaded anew.",
        pool=source_pool(catalog),
        retry_policy=RETRY_POLICY,
    )
    def plan(
        context: dg.AssetExecutionContext, config: SyncConfig, pipeline: PipelineResource
    ) -> Iterator[dg.DynamicOutput[None]]:
        with as_failures():
            _give_back_lease(context, pipeline, catalog, table)
            run = identity(context, catalog)
            with pipeline.own_snapshot(catalog, run.run_id) as snapshot:
                numbers = plan_stretches(table_sync(config, pipeline, catalog, table, snapshot, run))
        context.log.info(f"{table.collection}: {len(numbers):,} ranges are to be loaded")
        for number in numbers:
            yield dg.DynamicOutput(None, mapping_key=f"{number:06}")

    return plan


def _load_range(catalog: CatalogSpec, table: TableSpec) -> dg.OpDefinition:
    @dg.op(
        name=_name(catalog, table, LOAD_RANGE),
        ins={"planned": dg.In(dg.Nothing)},
        out=dg.Out(dg.Nothing),
        description=f"Loads one range of {table.source} from a view of its own. It can be repeated.",
        pool=source_pool(catalog),
        retry_policy=RETRY_POLICY,
    )
    def load_range(context: dg.AssetExecutionContext, pipeline: PipelineResource) -> None:
        with as_failures():
            _give_back_lease(context, pipeline, catalog, table)
            run = identity(context, catalog)
            with pipeline.own_snapshot(catalog, run.run_id) as snapshot:
                sync = table_sync(SyncConfig(), pipeline, catalog, table, snapshot, run)
                rows = load_stretch(sync, int(context.op_execution_context.get_mapping_key() or 0))
        context.log.info(f"{table.collection}: {rows:,} rows")

    return load_range


def _finish(catalog: CatalogSpec, table: TableSpec, outs: tuple[str, ...]) -> dg.OpDefinition:
    @dg.op(
        name=_name(catalog, table, FINISH),
        ins={"loaded": dg.In(dg.Nothing)},
        out={name: dg.Out(dg.Nothing) for name in outs},
        description=f"Brings what was loaded of {table.source} in step with one view of it, checks and publishes it; "
        "or syncs the table in place.",
        pool=source_pool(catalog),
        retry_policy=RETRY_POLICY,
    )
    def finish(
        context: dg.AssetExecutionContext, config: SyncConfig, pipeline: PipelineResource
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        with as_failures():
            _give_back_lease(context, pipeline, catalog, table)
            yield from synced(context, config, pipeline, catalog, [table])

    return finish


def _give_back_lease(
    context: dg.AssetExecutionContext, pipeline: PipelineResource, catalog: CatalogSpec, table: TableSpec
) -> None:
    """Free the table of a run that ended between two of its steps, of which this one may be a repetition."""
    give_back_leases(pipeline.target, catalog, (table,), lambda run_id: has_ended(context.instance, run_id))


def _name(catalog: CatalogSpec, table: TableSpec, step: str) -> str:
    """Name of an operation; Dagster knows each by its name alone."""
    return f"{metadata.step_of(catalog, table)}__{step}"
