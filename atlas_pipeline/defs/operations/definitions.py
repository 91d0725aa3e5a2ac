"""What all catalogs share in Dagster: the pipeline resource and the report sensors."""

from __future__ import annotations

import dagster as dg

from atlas_pipeline.orchestration.automation import dead_run_sensor, report_failed_run, report_finished_run
from atlas_pipeline.orchestration.resources import PipelineResource


@dg.definitions
def operations() -> dg.Definitions:
    """Shared definitions."""
    return dg.Definitions(
        resources={"pipeline": PipelineResource()},
        executor=dg.in_process_executor,
        sensors=[report_failed_run, report_finished_run, dead_run_sensor],
    )
