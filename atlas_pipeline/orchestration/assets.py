"""Assets made from table specs: the source table and its collection.

What belongs here: wiring. What does not: how a table is synced (`table_sync`), what is shown (`metadata`), a collection
that several steps load (`ranged_asset`), and indexes (`index_assets`).

No postponed annotations here: Dagster reads the types of configuration and resources from the functions at run time.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Literal

import dagster as dg
from pydantic import Field

from atlas_pipeline.errors import EXIT_DIFFERENCES
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.orchestration import metadata
from atlas_pipeline.orchestration.failures import RETRY_POLICY, SAID_BY_CHECK, as_failures
from atlas_pipeline.orchestration.index_assets import confirm_indexes
from atlas_pipeline.orchestration.instance import identity, source_pool
from atlas_pipeline.orchestration.publication import Publication, sync_together
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.orchestration.staged import TableResult
from atlas_pipeline.orchestration.table_sync import TableSync
from atlas_pipeline.quality.checks import CHECKS, EXPECTATIONS
from atlas_pipeline.quality.values import VALUES
from atlas_pipeline.resync.scope import Scope, moment_from
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


class SyncConfig(dg.Config):
    """Knobs of one run."""

    mode: Literal["policy", "reload", "reconcile"] = Field(
        default="policy",
        description="policy: as the table's policy says. reload: load all of it anew and swap it in. reconcile: read "
        "all of it and apply only what differs.",
    )
    force: bool = Field(
        default=False,
        description="Publish also when the collection would lose more of its documents than its policy allows.",
    )
    first_key: list[str] = Field(
        default=[], description="Sync only rows from this key on: one text for each key column. Empty for all."
    )
    before_key: list[str] = Field(default=[], description="Sync only rows before this key. Empty for all.")
    since: str = Field(
        default="",
        description="Sync only rows that changed from this moment on, ISO 8601 with an offset, by the table's cursor "
        "or changed_at. Empty for all.",
    )
    until: str = Field(default="", description="Sync only rows that changed before this moment. Empty for all.")

    def scope(self) -> Scope:
        """What the run is asked for. Raises ConfigurationError for a moment that is none."""
        return Scope(
            mode=self.mode,
            first=tuple(self.first_key),
            before=tuple(self.before_key),
            since=moment_from(self.since),
            until=moment_from(self.until),
        )


def source_asset(catalog: CatalogSpec, table: TableSpec) -> dg.AssetSpec:
    """The source table, which others write: an external asset, so that lineage begins with it."""
    return dg.AssetSpec(
        key=metadata.source_key(catalog, table.source),
        description=f"Table {table.source} of the {catalog.dialect} source. {table.about}",
        group_name=catalog.name,  # one group: the graph folds several, and lineage would not be seen
        kinds={catalog.dialect, "table"},
        owners=[catalog.owner],
        metadata={
            "dagster/column_schema": metadata.source_schema(table),
            "dagster/table_name": table.source,
            "dagster/storage_kind": catalog.dialect,
        },
    )


def collections_asset(
    catalog: CatalogSpec, tables: Sequence[TableSpec], freshness: dg.FreshnessPolicy | None
) -> dg.AssetsDefinition:
    """One step that loads the collections of these tables, checks them, and then publishes them: one table by itself,
    or all tables that are published together.
    """
    by_key = {metadata.collection_key(catalog, table): table for table in tables}

    @dg.multi_asset(
        name=metadata.step_of(catalog, tables[0]),
        specs=[collection_spec(catalog, table, freshness) for table in tables],
        check_specs=[check for key in by_key for check in check_specs(key)],
        can_subset=len(tables) > 1,
        pool=source_pool(catalog),
        retry_policy=RETRY_POLICY,
    )
    def collections(
        context: dg.AssetExecutionContext, config: SyncConfig, pipeline: PipelineResource
    ) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        chosen = [table for key, table in by_key.items() if key in context.selected_asset_keys]
        with as_failures():
            yield from synced(context, config, pipeline, catalog, chosen)

    return collections


def synced(
    context: dg.AssetExecutionContext,
    config: SyncConfig,
    pipeline: PipelineResource,
    catalog: CatalogSpec,
    tables: Sequence[TableSpec],
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """Sync these tables in this step and tell what became of them. Raises AtlasError, or Failure when one is not what
    it should be.
    """
    run = identity(context, catalog)
    with pipeline.snapshot(catalog, context.run.run_id) as snapshot:
        done = sync_together([table_sync(config, pipeline, catalog, table, snapshot, run) for table in tables])
        now = snapshot.time.now
    for table in tables:
        if (result := done.results.get(table.collection)) is not None:
            known_until = result.facts.watermark or now
            yield from _told(context, pipeline, catalog, table, result, known_until=known_until)
    _require_all(context, pipeline, catalog, tables, done, run)


def table_sync(
    config: SyncConfig,
    pipeline: PipelineResource,
    catalog: CatalogSpec,
    table: TableSpec,
    snapshot: Snapshot,
    run: RunIdentity,
) -> TableSync:
    """The sync of a table as a run asks for it."""
    return TableSync(
        target=pipeline.target,
        catalog=catalog,
        table=table,
        snapshot=snapshot,
        expectations=pipeline.expectations,
        run=run,
        embedder=pipeline.embedder(table),
        sealer=pipeline.sealer,
        scope=config.scope(),
        force=config.force,
        progress=pipeline.progress_of(table.collection),
    )


def check_specs(key: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """The checks of a collection that its own step evaluates."""
    return [
        dg.AssetCheckSpec(name=check.name, asset=key, blocking=check.blocking, description=check.description)
        for check in CHECKS
    ]


def collection_spec(catalog: CatalogSpec, table: TableSpec, freshness: dg.FreshnessPolicy | None) -> dg.AssetSpec:
    """The collection of a table, for Dagster."""
    return dg.AssetSpec(
        key=metadata.collection_key(catalog, table),
        deps=[metadata.source_key(catalog, table.source)],
        description=table.about or None,
        group_name=catalog.name,
        kinds={catalog.dialect, "mongodb"},
        owners=[catalog.owner],
        tags={"catalog": catalog.name, "sync": table.sync.mode},
        code_version=table.fingerprint,
        freshness_policy=freshness,
        metadata={
            "dagster/column_schema": metadata.document_schema(table),
            "dagster/column_lineage": metadata.column_lineage(catalog, table),
            "dagster/table_name": f"{catalog.database}.{table.collection}",
            "dagster/storage_kind": "mongodb",
        },
    )


def _told(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    catalog: CatalogSpec,
    table: TableSpec,
    result: TableResult,
    *,
    known_until: datetime,
) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
    """What Dagster is told of a table: its checks and, once it is published, its materialization."""
    key = metadata.collection_key(catalog, table)
    for note in (*result.facts.recovered, *result.facts.warnings):
        context.log.warning(f"{table.collection}: {note}")
    if failing := [f"{one.check.name}: {one.summary}" for one in result.outcomes if not one.passed]:
        context.log.warning(f"{table.collection}: {'; '.join(failing)}")
    for outcome in result.outcomes:
        if outcome.check.name == VALUES.name:  # a check of another step; here it is only told of
            context.log_event(metadata.check_evaluation(outcome, key))
        else:
            yield metadata.check_result(outcome, key)
    if result.published:
        links = {outcome.check.name: outcome.link for outcome in result.outcomes}
        yield dg.MaterializeResult(
            asset_key=key,
            data_version=dg.DataVersion(result.facts.digest or context.run.run_id),
            metadata=metadata.materialization_metadata(
                catalog,
                table,
                result,
                address=pipeline.target.address,
                known_until=known_until,
                links={
                    "data_docs": links[EXPECTATIONS.name],
                    "report": f"{pipeline.settings.reports_url}/reports/{context.run.run_id}/index.html",
                },
            ),
        )


def _require_all(
    context: dg.AssetExecutionContext,
    pipeline: PipelineResource,
    catalog: CatalogSpec,
    tables: Sequence[TableSpec],
    done: Publication,
    run: RunIdentity,
) -> None:
    """Fail the step unless all tables are published, and by rules that fail a run besides."""
    for name, error in done.errors.items():
        if len(done.errors) > 1:
            context.log.error(f"{name}: {error}")
    if done.errors:
        raise next(iter(done.errors.values()))
    if withheld := {name: result for name, result in done.results.items() if not result.published}:
        told = [f"{name} was not published: {one.why_not}. {one.left_behind}" for name, one in withheld.items()]
        raise dg.Failure(description="\n".join(told), metadata={"exit_code": EXIT_DIFFERENCES}, allow_retries=False)
    over = []
    for table in tables:
        outcomes = done.results[table.collection].outcomes
        if beyond := [f"{one.check.name}: {one.summary}" for one in outcomes if one.fails_run]:
            over.append(f"{table.collection} was published without its bad rows. {'; '.join(beyond)}.")
    if over:
        for table in tables:
            confirm_indexes(pipeline, catalog, table, run)  # the index assets are not going to run
        raise dg.Failure(
            description="\n".join(over),
            metadata={"exit_code": EXIT_DIFFERENCES, SAID_BY_CHECK: True},
            allow_retries=False,
        )
