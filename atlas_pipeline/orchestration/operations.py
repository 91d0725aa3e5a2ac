"""What all catalogs share in Dagster, as a component: the pipeline resource and the sensors that watch runs.

Operators name their own alerters in YAML; addresses and secrets are in the environment (`settings`).
"""

from __future__ import annotations

import dagster as dg
from pydantic import Field

from atlas_pipeline.orchestration.alert_sensor import alert_sensor
from atlas_pipeline.orchestration.automation import dead_run_sensor, report_failed_run, report_finished_run
from atlas_pipeline.orchestration.executors import executor_of
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.settings import Settings


class OperationsComponent(dg.Component, dg.Model, dg.Resolvable):
    """Shared definitions."""

    alerters: list[str] = Field(
        default=[],
        description="Alerters besides the log, the webhook and e-mail: functions that take the settings and give an "
        "alerter, as `package.module:function`.",
    )

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Shared definitions; asks no server."""
        del context
        return dg.Definitions(
            resources={"pipeline": PipelineResource()},
            executor=executor_of(Settings()),
            sensors=[report_failed_run, report_finished_run, dead_run_sensor, alert_sensor(self.alerters)],
        )
