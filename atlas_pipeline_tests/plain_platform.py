"""A second mapping of the rows of the investigation platform to documents, to hold against the pipeline's own.

What belongs here: the shortest reading of docs/investigation_platform.md, value by value, with nothing but the standard
library and BSON. What does not: code of the pipeline, speed, and embeddings, which are no function of the row.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bson

from atlas_pipeline_tests.plain_platform_values import (
    ACTIONS,
    RefusedError,
    Row,
    as_is,
    date,
    date_or_null,
    dates,
    iso_date,
    json_of,
    lasts,
    milliseconds,
    moved,
    moved_number,
    number,
    of_entity,
    only,
    tags_of,
    there,
    with_dates,
)

Document = dict[str, Any]

KEYS = {
    "investigations": ("investigation_id",),
    "templates": ("template_id",),
    "detectors": ("id",),
    "detection_runs": ("id",),
    "anomaly_events": ("id",),
    "transaction_scores": ("investigation_id", "transaction_id"),
    "composio_connections": ("id",),
    "soar_playbook_executions": ("id",),
    "composio_action_audits": ("id",),
    "audit_log": ("entry_id",),
}
LARGEST = 16 * 1024 * 1024  # bytes of a document


def plain_document(collection: str, row: Row, detector_types: Mapping[str, str]) -> Document:
    """The document of a row.

    Args:
        collection: Where it goes.
        row: What `plain_rows` gave.
        detector_types: Id of each detector and its type.

    Raises:
        RefusedError: The row belongs in quarantine.
    """
    key = KEYS[collection]
    document = {"_id": row[key[0]] if len(key) == 1 else {name: row[name] for name in key}}
    document |= _runs(row, detector_types) if collection == "detection_runs" else MAKERS[collection](row)
    if len(bson.encode(document)) > LARGEST:
        raise RefusedError("too large")
    return document


def _investigations(row: Row) -> Document:
    progress = json_of(row["progress_json"], dict)
    return {
        **as_is(row, "investigation_id", "user_id"),
        "tenant_id": "default",
        **as_is(row, "lifecycle_stage", "status"),
        "settings": _settings(json_of(row["settings_json"], dict)),
        "progress": _progress(progress),
        "results": _results(json_of(row.get("results_json"), dict), progress),
        "version": row["version"],
        **dates(row, "created_at", "updated_at"),
        "last_accessed": date_or_null(row["last_accessed"]),
        "metadata": {"source": "MIGRATION", "priority": None, "tags": [], "custom_fields": {}},
    }


def _settings(settings: Document | None) -> Document | None:
    if settings is None:
        return None
    rest = dict(settings)
    return {
        "entity_type": of_entity(settings, "entity_type"),
        "entity_value": of_entity(settings, "entity_value"),
        "time_range": moved(rest, "time_range", dict, None),
        "agents_selected": moved(rest, "agents_selected", list, []),
        "data_sources": moved(rest, "data_sources", list, []),
        "additional_config": rest,
    }


def _progress(progress: Document | None) -> Document | None:
    if progress is None:
        return None
    rest = dict(progress)
    percentage = moved_number(rest, "progress_percentage")
    if percentage is None:
        percentage = number(progress.get("percent_complete"))
    expected = progress.get("estimated_completion")
    return {
        "current_phase": moved(rest, "current_phase", str, ""),
        "progress_percentage": 0.0 if percentage is None else percentage,
        "phases_completed": moved(rest, "phases_completed", list, []),
        "estimated_completion": iso_date(expected) if isinstance(expected, str) else None,
        "additional_data": rest,
    }


def _results(results: Document | None, progress: Document | None) -> Document | None:
    if results is not None:
        rest = dict(results)
        return {
            "summary": moved(rest, "summary", str, None),
            "risk_score": moved_number(rest, "risk_score"),
            "findings": moved(rest, "findings", list, []),
            "recommendations": moved(rest, "recommendations", list, []),
            "metadata": rest,
        }
    progress = progress or {}
    summary = only(str, progress.get("summary"))
    risk = number(progress.get("risk_score"))
    risk = number(progress.get("overall_risk_score")) if risk is None else risk
    findings = only(list, progress.get("findings"))
    if summary is None and risk is None and findings is None:
        return None
    found = [] if findings is None else findings
    return {"summary": summary, "risk_score": risk, "findings": found, "recommendations": [], "metadata": {}}


def _templates(row: Row) -> Document:
    settings = there(json_of(row["template_json"], dict))
    template = {"entity_type": of_entity(settings, "entity_type"), "settings": settings, "agents": []}
    return {
        **as_is(row, "template_id", "user_id"),
        "tenant_id": "default",
        **as_is(row, "name", "description"),
        "tags": tags_of(row["tags"]),
        "template": {**template, "data_sources": [], "default_params": {}},
        "usage_count": row["usage_count"],
        "last_used": date_or_null(row["last_used"]),
        **dates(row, "created_at", "updated_at"),
    }


def _detectors(row: Row) -> Document:
    metrics, rest = there(json_of(row["metrics"], list)), there(json_of(row["params"], dict))
    if any(type(metric) is not str for metric in metrics):
        raise RefusedError("a metric that is not text")
    params = {"sensitivity": moved_number(rest, "sensitivity"), "threshold": moved_number(rest, "threshold")}
    params |= {"window_size": moved(rest, "window_size", int, None), "algorithm_specific": rest}
    return {
        "detector_id": row["id"],
        **as_is(row, "name", "type"),
        "cohort_by": {"dimensions": there(json_of(row["cohort_by"], list)), "filters": {}},
        "metrics": {"primary": metrics[0] if metrics else None, "secondary": metrics[1:], "aggregations": []},
        "params": params,
        "enabled": row["enabled"],
        "tenant_id": "default",
        **dates(row, "created_at", "updated_at"),
    }


def _runs(row: Row, detector_types: Mapping[str, str]) -> Document:
    detector, start, end = row["detector_id"], row["window_from"], row["window_to"]
    meta = {"detector_id": detector, "detector_type": detector_types.get(detector)}
    return {
        "run_id": row["id"],
        "metadata": {**meta, "tenant_id": "default", "status": row["status"]},
        "started_at": date(row["started_at"]),
        "finished_at": date_or_null(row["finished_at"]),
        "duration_ms": milliseconds(row["started_at"], row["finished_at"]),
        "window": {"from": date(start), "to": date(end), "duration_hours": lasts(start, end, 3_600_000_000)},
        "info": _info(json_of(row["info"], dict)),
    }


def _info(rest: Document | None) -> Document | None:
    if rest is None:
        return None
    return {
        "records_processed": moved(rest, "records_processed", int, None),
        "cohorts_analyzed": moved(rest, "cohorts_processed", int, None),
        "anomalies_detected": moved(rest, "anomalies_detected", int, None),
        "error_message": moved(rest, "error_message", str, None),
        "additional_info": rest,
    }


def _anomalies(row: Row) -> Document:
    start, end = row["window_start"], row["window_end"]
    return {
        "anomaly_id": row["id"],
        **as_is(row, "run_id", "detector_id", "investigation_id"),
        "tenant_id": "default",
        "cohort": there(json_of(row["cohort"], dict)),
        "window": {"start": date(start), "end": date(end), "duration_minutes": lasts(start, end, 60_000_000)},
        **as_is(row, "metric", "observed", "expected", "score", "severity", "status", "persisted_n"),
        "first_seen": date(start),
        "last_seen": date(end),
        "evidence": json_of(row["evidence"], dict),
        "created_at": date(row["created_at"]),
    }


def _scores(row: Row) -> Document:
    return {
        **as_is(row, "investigation_id", "transaction_id"),
        "tenant_id": "default",
        "risk_score": row["risk_score"],
        "score_components": None,
        "created_at": date_or_null(row["created_at"]),
    }


def _connections(row: Row) -> Document:
    return {
        "connection_id": row["id"],
        **as_is(row, "tenant_id", "toolkit_name"),
        "composio_connection_id": row["connection_id"],
        **as_is(row, "status", "encrypted_access_token", "refresh_token"),
        "expires_at": date_or_null(row["expires_at"]),
        **dates(row, "created_at", "updated_at"),
        "last_used_at": date_or_null(row["last_used_at"]),
    }


def _attempts(row: Row) -> Document:
    return {
        "audit_id": row["id"],
        **as_is(row, "action_id", "execution_id", "toolkit_name", "action_name", "tenant_id", "connection_id"),
        "parameters": json_of(row["parameters"], dict),
        "result": json_of(row["result"], dict),
        "status": row["status"],
        "executed_at": date(row["executed_at"]),
        "retry_count": 0 if row["retry_count"] is None else row["retry_count"],
        "error_message": row["error_message"],
    }


def _executions(row: Row) -> Document:
    return {
        "execution_id": row["id"],
        **as_is(row, "playbook_id", "investigation_id", "anomaly_id", "tenant_id", "trigger_reason"),
        "triggered_by": None,
        "status": row["status"],
        "started_at": date(row["started_at"]),
        "completed_at": date_or_null(row["completed_at"]),
        "duration_ms": milliseconds(row["started_at"], row["completed_at"]),
        "actions_executed": with_dates(json_of(row["actions_executed"], list)),
        "error_message": row["error_message"],
    }


def _audit(row: Row) -> Document:
    action, source = row["action_type"], row["source"]
    meta = {**as_is(row, "investigation_id", "user_id"), "tenant_id": "default"}
    meta |= {"action_type": ACTIONS.get(action, action), "source": "USER" if source == "UI" else source}
    return {
        "entry_id": row["entry_id"],
        "metadata": meta,
        "timestamp": date(row["timestamp"]),
        "changes": _changes(json_of(row["changes_json"])),
        "state_snapshot": json_of(row["state_snapshot_json"], dict),
        **as_is(row, "from_version", "to_version"),
        "ip_address": None,
        "user_agent": None,
        "original": {"action_type": action, "source": source},
    }


def _changes(payload: Any) -> Document | None:
    if payload is None:
        return None
    keyed = payload if isinstance(payload, dict) else {}
    modified = only(list, keyed.get("fields_modified"))
    return {"fields_modified": [] if modified is None else modified, "before": keyed.get("before"), "after": payload}


MAKERS = {
    "investigations": _investigations,
    "templates": _templates,
    "detectors": _detectors,
    "anomaly_events": _anomalies,
    "transaction_scores": _scores,
    "composio_connections": _connections,
    "soar_playbook_executions": _executions,
    "composio_action_audits": _attempts,
    "audit_log": _audit,
}
