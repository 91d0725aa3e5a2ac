"""Which module makes the rows of which table.

What belongs here: the ordinary and the hard rows of each table, by its name. What does not: rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from atlas_pipeline.local.platform_sample.anomalies import detector_rows, event_rows, run_rows
from atlas_pipeline.local.platform_sample.audit import audit_rows
from atlas_pipeline.local.platform_sample.hard_anomalies import hard_detectors, hard_events, hard_runs
from atlas_pipeline.local.platform_sample.hard_audit import hard_audit
from atlas_pipeline.local.platform_sample.hard_investigations import hard_investigations
from atlas_pipeline.local.platform_sample.hard_operations import hard_actions, hard_connections, hard_executions
from atlas_pipeline.local.platform_sample.hard_scores import hard_scores, hard_templates
from atlas_pipeline.local.platform_sample.investigations import investigation_rows
from atlas_pipeline.local.platform_sample.operations import action_rows, connection_rows, execution_rows
from atlas_pipeline.local.platform_sample.scores import score_rows, template_rows
from atlas_pipeline.local.platform_sample.world import Row, RowMaker, World

ORDINARY: Mapping[str, RowMaker] = {
    "investigation_states": investigation_rows,
    "detectors": detector_rows,
    "detection_runs": run_rows,
    "anomaly_events": event_rows,
    "transaction_scores": score_rows,
    "investigation_audit_log": audit_rows,
    "investigation_templates": template_rows,
    "composio_connections": connection_rows,
    "composio_action_audit": action_rows,
    "soar_playbook_executions": execution_rows,
}
"""Makers of ordinary rows: every fact that both shapes hold exactly."""

HARD: Mapping[str, RowMaker] = {
    "investigation_states": hard_investigations,
    "detectors": hard_detectors,
    "detection_runs": hard_runs,
    "anomaly_events": hard_events,
    "transaction_scores": hard_scores,
    "investigation_audit_log": hard_audit,
    "investigation_templates": hard_templates,
    "composio_connections": hard_connections,
    "composio_action_audit": hard_actions,
    "soar_playbook_executions": hard_executions,
}
"""Makers of hard rows: unusual, legal in the shape that the world has, and to be moved like any other."""


def ordinary_row(world: World, table: str) -> Row:
    """The first ordinary row of a table, for others to be made from."""
    rows: Iterator[Row] = ORDINARY[table](world)
    return next(rows)
