"""Jobs, schedules and sensors of a catalog.

A schedule skips while a run of the same catalog is active. Reports hang on run-status sensors, for failure too: a
failed blocking check withholds everything downstream without a word, so a report that were an asset would never be
made.
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg
from dagster import DagsterRunStatus

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.orchestration.instance import CATALOG_TAG, active_run, end_dead_runs
from atlas_pipeline.orchestration.reports import write_report_of_run
from atlas_pipeline.spec.catalogs import CatalogSpec

_VERIFY = "verify_"


def job_name(catalog: CatalogSpec) -> str:
    return f"sync_{catalog.name}"


def sync_job(catalog: CatalogSpec, values: Sequence[dg.AssetChecksDefinition]) -> dg.UnresolvedAssetJobDefinition:
    """The job that syncs all tables of a catalog. In process, because start-up, not data, dominates many small
    tables. The check of all values has a job of its own.
    """
    return dg.define_asset_job(
        job_name(catalog),
        selection=dg.AssetSelection.groups(catalog.name) - dg.AssetSelection.checks(*values),
        executor_def=dg.in_process_executor,
        tags={CATALOG_TAG: catalog.name},
        description=f"Sync every table of {catalog.name}: load, check, swap, index.",
    )


def verify_job(catalog: CatalogSpec, values: Sequence[dg.AssetChecksDefinition]) -> dg.UnresolvedAssetJobDefinition:
    """The job that compares every value of all collections of a catalog."""
    return dg.define_asset_job(
        f"{_VERIFY}{catalog.name}",
        selection=dg.AssetSelection.checks(*values),
        executor_def=dg.in_process_executor,
        tags={CATALOG_TAG: catalog.name},
        description=f"Compare every value of {catalog.name} with its source, and name what is not equal.",
    )


def skipping_schedule(
    catalog: CatalogSpec, job: dg.UnresolvedAssetJobDefinition, cron: str, timezone: str, *, about: str
) -> dg.ScheduleDefinition:
    """A schedule of a job; off until somebody switches it on, skipping while a run of the catalog is active."""

    @dg.schedule(
        name=f"{job.name}_schedule", job=job, cron_schedule=cron, execution_timezone=timezone, description=about
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        active = active_run(context.instance, catalog.name)
        if active is not None:
            return dg.SkipReason(f"Run {active.run_id} of {catalog.name} is still {active.status.value}.")
        return dg.RunRequest(tags={CATALOG_TAG: catalog.name, "trigger": "schedule"})

    return schedule


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
    description="Writes the report of a failed run and logs what failed, with the cure.",
)
def report_failed_run(context: dg.RunFailureSensorContext) -> dg.SkipReason | None:
    """Report a failed sync."""
    if not _syncs(context.dagster_run):
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
    description="Writes the report of a run that succeeded.",
)
def report_finished_run(context: dg.RunStatusSensorContext) -> dg.SkipReason | None:
    """Report a sync that succeeded."""
    if not _syncs(context.dagster_run):
        return dg.SkipReason("not a sync of a catalog")
    context.log.info(f"report: {write_report_of_run(context.instance, context.dagster_run)}")
    return None


def _syncs(run: dg.DagsterRun) -> bool:
    """Whether a run syncs tables, so that the ledger has something to report of it."""
    return CATALOG_TAG in run.tags and not run.job_name.startswith(_VERIFY)
