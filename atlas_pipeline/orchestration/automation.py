"""Jobs, schedules and sensors of a catalog.

A schedule skips while a run of the same catalog is active. Indexes follow their collection by an automation condition,
reports by run-status sensors, for failure too: a failed blocking check withholds everything downstream without a word,
so a report that were an asset would never be made. What does not belong here: alerts (`alert_sensor`).
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster import DagsterRunStatus

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.orchestration.assets import SyncConfig
from atlas_pipeline.orchestration.executors import executor_of
from atlas_pipeline.orchestration.instance import CATALOG_TAG, active_run, end_dead_runs
from atlas_pipeline.orchestration.metadata import collection_key, indexes_key, step_of
from atlas_pipeline.orchestration.reports import write_report_of_run
from atlas_pipeline.orchestration.status_asset import report_status_of_run
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.sync import Mode
from atlas_pipeline.spec.tables import TableSpec

_VERIFY = "verify_"


def job_name(catalog: CatalogSpec) -> str:
    return f"sync_{catalog.name}"


def sync_job(catalog: CatalogSpec, values: Sequence[dg.AssetChecksDefinition]) -> dg.UnresolvedAssetJobDefinition:
    """The job that syncs all tables of a catalog. The check of all values has a job of its own."""
    return _job(
        job_name(catalog),
        catalog,
        dg.AssetSelection.groups(catalog.name) - dg.AssetSelection.checks(*values),
        about=f"Sync every table of {catalog.name}: load, check, swap, index.",
    )


def policy_job(
    catalog: CatalogSpec, mode: Mode, values: Sequence[dg.AssetChecksDefinition]
) -> dg.UnresolvedAssetJobDefinition | None:
    """The job that syncs the tables with one sync policy, or None where no table has it."""
    tables = [table for table in catalog.tables if table.sync.mode == mode]
    if not tables:
        return None
    return _job(
        f"{job_name(catalog)}_{mode}",
        catalog,
        _assets_of(catalog, tables) - dg.AssetSelection.checks(*values),
        about=f"Sync the tables of {catalog.name} with the policy {mode}.",
    )


def reconcile_job(
    catalog: CatalogSpec, values: Sequence[dg.AssetChecksDefinition]
) -> dg.UnresolvedAssetJobDefinition | None:
    """The job that reads the tables with a cursor whole, for the deletes and all else that the cursor missed; None
    where no table has one.
    """
    tables = [table for table in catalog.tables if table.sync.cursor is not None]
    if not tables:
        return None
    whole = SyncConfig(mode="reconcile")
    return _job(
        f"reconcile_{catalog.name}",
        catalog,
        _assets_of(catalog, tables) - dg.AssetSelection.checks(*values),
        about=f"Compare the tables of {catalog.name} that are synced by a cursor as a whole, and apply what differs.",
        config=dg.RunConfig(ops={step_of(catalog, table): whole for table in tables}),
    )


def verify_job(catalog: CatalogSpec, values: Sequence[dg.AssetChecksDefinition]) -> dg.UnresolvedAssetJobDefinition:
    """The job that compares every value of all collections of a catalog."""
    return _job(
        f"{_VERIFY}{catalog.name}",
        catalog,
        dg.AssetSelection.checks(*values),
        about=f"Compare every value of {catalog.name} with its source, and name what is not equal.",
    )


def _assets_of(catalog: CatalogSpec, tables: Sequence[TableSpec]) -> dg.AssetSelection:
    return dg.AssetSelection.assets(*(key(catalog, table) for table in tables for key in (collection_key, indexes_key)))


def _job(
    name: str, catalog: CatalogSpec, selection: dg.AssetSelection, *, about: str, config: dg.RunConfig | None = None
) -> dg.UnresolvedAssetJobDefinition:
    return dg.define_asset_job(
        name,
        selection=selection,
        executor_def=executor_of(Settings()),
        tags={CATALOG_TAG: catalog.name},
        description=about,
        config=config,
    )


def skipping_schedule(
    catalog: CatalogSpec, job: dg.UnresolvedAssetJobDefinition, cron: str, timezone: str
) -> dg.ScheduleDefinition:
    """A schedule of a job; off until somebody switches it on, skipping while a run of the catalog is active.

    Raises DagsterInvalidDefinitionError when `cron` is none.
    """

    @dg.schedule(
        name=f"{job.name}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        description=f"{job.description} ({cron})",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        active = active_run(context.instance, catalog.name)
        if active is not None:
            return dg.SkipReason(f"Run {active.run_id} of {catalog.name} is still {active.status.value}.")
        return dg.RunRequest(tags={CATALOG_TAG: catalog.name, "trigger": "schedule"})

    return schedule


def index_sensor(catalog: CatalogSpec) -> dg.AutomationConditionSensorDefinition:
    """What lets indexes follow a collection that was materialized without them, once its run has ended. Their run has
    the tag of the catalog, so it waits while another of the catalog is active.
    """
    return dg.AutomationConditionSensorDefinition(
        f"indexes_of_{catalog.name}",
        target=dg.AssetSelection.assets(*(indexes_key(catalog, table) for table in catalog.tables)),
        default_status=dg.DefaultSensorStatus.RUNNING,
        minimum_interval_seconds=15,
        run_tags={CATALOG_TAG: catalog.name, "trigger": "automation"},
        description="Confirms the indexes of collections that were synced without them, such as by an asset's button.",
    )


@dg.sensor(
    name="end_dead_runs",
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process is gone and frees their pool slots, so that the next run need not wait.",
)
def dead_run_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """End the runs of dead processes, of all catalogs."""
    ended = [run_id for name in CATALOGS for run_id in end_dead_runs(context.instance, name)]
    return dg.SkipReason(f"ended {', '.join(ended)}" if ended else "no dead run")


@dg.run_failure_sensor(
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the report of a failed run, logs what failed, with the cure, and brings the status up to date.",
)
def report_failed_run(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Report a failed sync."""
    report_status_of_run(context.instance, context.dagster_run)
    if not syncs_tables(context.dagster_run):
        return dg.SkipReason("not a sync of a catalog")
    for event in context.get_step_failure_events():
        data = event.step_failure_data
        described = data.user_failure_data.description if data.user_failure_data else None
        context.log.error(f"{event.step_key}: {described or (data.error.message if data.error else 'failed')}")
    context.log.error(f"report: {write_report_of_run(context.instance, context.dagster_run)}")
    return None


@dg.run_status_sensor(
    run_status=DagsterRunStatus.SUCCESS,
    minimum_interval_seconds=10,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Writes the report of a run that succeeded, and brings the status up to date.",
)
def report_finished_run(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    """Report a sync that succeeded."""
    report_status_of_run(context.instance, context.dagster_run)
    if not syncs_tables(context.dagster_run):
        return dg.SkipReason("not a sync of a catalog")
    context.log.info(f"report: {write_report_of_run(context.instance, context.dagster_run)}")
    return None


def syncs_tables(run: dg.DagsterRun) -> bool:
    """Whether a run syncs tables, so that the ledger has something to report of it. One of indexes alone does not."""
    catalog = CATALOGS.get(run.tags.get(CATALOG_TAG, ""))
    if catalog is None or run.job_name.startswith(_VERIFY):
        return False
    collections = {collection_key(catalog, table) for table in catalog.tables}
    return not run.asset_selection or bool(run.asset_selection & collections)
