"""One good row of each table of the investigation platform, for tests to break in one place.

What belongs here: rows as the source gives them, and their way through the catalog's mapper. What does not: what must
come of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import bson
from bson import CodecOptions

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper

Document = dict[str, Any]

MORNING = datetime(2025, 5, 1, 10, 0, 0, 123_456, tzinfo=UTC)
LATER = datetime(2025, 5, 1, 10, 30, 7, 654_321, tzinfo=UTC)
AWARE = CodecOptions[Document](tz_aware=True)
TYPES = {"detector-1": "cusum"}
"""Detectors that rows may refer to, and their types."""

GOOD: dict[str, Document] = {
    "investigations": {
        "investigation_id": "case-1",
        "user_id": "ines.garcia",
        "lifecycle_stage": "IN_PROGRESS",
        "settings_json": None,
        "progress_json": None,
        "results_json": None,
        "status": "IN_PROGRESS",
        "version": 7,
        "created_at": MORNING,
        "updated_at": LATER,
        "last_accessed": None,
    },
    "templates": {
        "template_id": "template-1",
        "user_id": "ines.garcia",
        "name": "Card testing",
        "description": None,
        "tags": None,
        "template_json": "{}",
        "usage_count": 0,
        "last_used": None,
        "created_at": MORNING,
        "updated_at": LATER,
    },
    "detectors": {
        "id": "detector-1",
        "name": "Declines",
        "type": "cusum",
        "cohort_by": '["geo"]',
        "metrics": '["decline_rate"]',
        "params": "{}",
        "enabled": True,
        "created_at": MORNING,
        "updated_at": LATER,
    },
    "detection_runs": {
        "id": "run-1",
        "detector_id": "detector-1",
        "status": "success",
        "started_at": MORNING,
        "finished_at": LATER,
        "window_from": MORNING,
        "window_to": LATER,
        "info": None,
    },
    "anomaly_events": {
        "id": "event-1",
        "run_id": "run-1",
        "detector_id": "detector-1",
        "cohort": '{"geo": "DE"}',
        "window_start": MORNING,
        "window_end": LATER,
        "metric": "decline_rate",
        "observed": 12.5,
        "expected": 3.25,
        "score": 4.5,
        "severity": "warn",
        "persisted_n": 1,
        "status": "new",
        "evidence": None,
        "investigation_id": None,
        "created_at": LATER,
    },
    "transaction_scores": {
        "investigation_id": "case-1",
        "transaction_id": "t-1",
        "risk_score": 0.5,
        "created_at": MORNING,
    },
    "composio_connections": {
        "id": "row-1",
        "tenant_id": "acme",
        "toolkit_name": "jira",
        "connection_id": "conn_1",
        "status": "active",
        "encrypted_access_token": "Y2lwaGVydGV4dA==",
        "refresh_token": None,
        "expires_at": None,
        "created_at": MORNING,
        "updated_at": LATER,
        "last_used_at": None,
    },
    "soar_playbook_executions": {
        "id": "execution-1",
        "playbook_id": "block-card",
        "investigation_id": None,
        "anomaly_id": None,
        "tenant_id": "acme",
        "trigger_reason": None,
        "status": "completed",
        "started_at": MORNING,
        "completed_at": LATER,
        "actions_executed": None,
        "error_message": None,
    },
    "composio_action_audits": {
        "id": "audit-1",
        "action_id": "action-1",
        "execution_id": None,
        "toolkit_name": "jira",
        "action_name": "CREATE_ISSUE",
        "tenant_id": "acme",
        "connection_id": "conn_1",
        "parameters": None,
        "result": None,
        "status": "success",
        "executed_at": MORNING,
        "retry_count": 0,
        "error_message": None,
    },
    "audit_log": {
        "entry_id": "entry-1",
        "investigation_id": "case-1",
        "user_id": "SYSTEM",
        "action_type": "UPDATED",
        "changes_json": None,
        "state_snapshot_json": None,
        "source": "API",
        "from_version": 1,
        "to_version": 2,
        "timestamp": MORNING,
    },
}


def mapped(collection: str, *rows: Mapping[str, Any]) -> MappedBatch:
    """What the catalog makes of rows, each given by what it has other than the good one."""
    table = INVESTIGATION_PLATFORM.table(collection)
    mapper = Mapper(table, Lookups(joined={"metadata.detector_type": TYPES}))
    full = [{**GOOD[collection], **changes} for changes in rows]
    return mapper.map_batch([tuple(row[name] for name in table.column_names) for row in full])


def document_of(collection: str, **changes: Any) -> Document:
    """The document of the good row with changes, which must not be refused."""
    batch = mapped(collection, changes)
    assert batch.rejects == []
    return bson.decode(batch.documents[0], AWARE)


def refusal_of(collection: str, **changes: Any) -> tuple[str, str]:
    """Column and code under which the good row with changes is refused."""
    batch = mapped(collection, changes)
    assert batch.documents == []
    return batch.rejects[0].column, str(batch.rejects[0].code)
