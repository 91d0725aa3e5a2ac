"""Jobs, schedules and sensors of a catalog.

A schedule skips while a run of the same catalog is active. Reports hang on run-status sensors, for failure too: a
failed blocking check withholds everything downstream without a word, so a report that were an asset would never be
made.
"""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.orchestration.instance import CATALOG_TAG, active_run, end_dead_runs
from atlas_pipeline.orchestration.reports import write_report_of_run
from atlas_pipeline.spec.catalogs import CatalogSpec


def job_name(catalog: CatalogSpec) -> str:
    return f"sync_{catalog.name}"


def sync_job(catalog: CatalogSpec) -> dg.UnresolvedAssetJobDefinition:
    """The job that syncs all tables of a catalog. In process, because start-up, not data, dominates many small
    tables.
    """
    return dg.define_asset_job(
        job_name(catalog),
        selection=dg.AssetSelection.groups(catalog.name),
        executor_def=dg.in_process_executor,
        tags={CATALOG_TAG: catalog.name},
        description=f"Sync every table of {catalog.name}: load, check, swap, index.",
    )


def sync_schedule(
    catalog: CatalogSpec, job: dg.UnresolvedAssetJobDefinition, cron: str, timezone: str
) -> dg.ScheduleDefinition:
    """The schedule of a catalog; off until somebody switches it on, skipping while a run of the catalog is active."""

    @dg.schedule(
        name=f"{job_name(catalog)}_schedule",
        job=job,
        cron_schedule=cron,
        execution_timezone=timezone,
        description=f"Syncs {catalog.name} ({cron}, {timezone}).",
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
    """Report a failed run."""
    if CATALOG_TAG not in context.dagster_run.tags:
        return dg.SkipReason("not a run of a catalog")
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
    """Report a run that succeeded."""
    if CATALOG_TAG not in context.dagster_run.tags:
        return dg.SkipReason("not a run of a catalog")
    context.log.info(f"report: {write_report_of_run(context.instance, context.dagster_run)}")
    return None
