"""Facts about the investigation platform, written down a second time, so that a wrong edit of the catalog fails a test.

What belongs here: plain data, independent of `atlas_pipeline`. What does not: anything derived from the catalog.

`FACTS` maps each collection, in load order, to a dict of

- `source`: name of the source table,
- `declared`: `(column, type by the ORM, type by the SQL files)` in the order of the ORM; "" where one has no such
  column,
- `key`: columns of the primary key,
- `fields`: `(path, BSON type)` in document order, `_id` first. Types are string, int (32 or 64 bits), double, bool,
  date, object, array and any (any JSON value); `|null` behind one means that the field may be null, or what holds it.
  Every field is always present where its parent is,
- `indexes`: `(keys, options)`, without `_id_`; each is named as the server names it. Options hold only those that are
  set.

`NOT_MADE` holds the indexes that some script of the original makes or asks for, and that are not made, with the reason.
"""

from __future__ import annotations

from typing import TypedDict

Keys = list[tuple[str, int]]


class CollectionFacts(TypedDict):
    """What is known of one collection; see the module."""

    source: str
    declared: list[tuple[str, str, str]]
    key: tuple[str, ...]
    fields: list[tuple[str, str]]
    indexes: list[tuple[Keys, dict[str, bool]]]


UNIQUE = {"unique": True}
TIME = ("TIMESTAMPTZ", "TIMESTAMP")  # of tables that exist in two shapes
ID = ("UUID", "VARCHAR(36)")
JSON = ("JSONB", "TEXT")
WORD = ("VARCHAR(50)", "TEXT")
NUMBER = ("DOUBLE PRECISION", "REAL")


def same(declared: str) -> tuple[str, str]:
    """The type of a column that both shapes declare alike."""
    return declared, declared


# fmt: off
FACTS: dict[str, CollectionFacts] = {
    "investigations": {
        "source": "investigation_states",
        "declared": [("investigation_id", *same("VARCHAR(255)")), ("user_id", *same("VARCHAR(255)")),
            ("lifecycle_stage", *same("VARCHAR(50)")), ("settings_json", *same("TEXT")),
            ("progress_json", *same("TEXT")), ("results_json", "", "TEXT"), ("status", *same("VARCHAR(50)")),
            ("version", *same("INTEGER")), ("created_at", *same("TIMESTAMP")), ("updated_at", *same("TIMESTAMP")),
            ("last_accessed", *same("TIMESTAMP"))],
        "key": ("investigation_id",),
        "fields": [("_id", "string"), ("investigation_id", "string"), ("user_id", "string"), ("tenant_id", "string"),
            ("lifecycle_stage", "string"), ("status", "string"),
            ("settings.entity_type", "string|null"), ("settings.entity_value", "string|null"),
            ("settings.time_range", "object|null"), ("settings.agents_selected", "array|null"),
            ("settings.data_sources", "array|null"), ("settings.additional_config", "object|null"),
            ("progress.current_phase", "string|null"), ("progress.progress_percentage", "double|null"),
            ("progress.phases_completed", "array|null"), ("progress.estimated_completion", "date|null"),
            ("progress.additional_data", "object|null"),
            ("results.summary", "string|null"), ("results.risk_score", "double|null"),
            ("results.findings", "array|null"), ("results.recommendations", "array|null"),
            ("results.metadata", "object|null"),
            ("version", "int"), ("created_at", "date"), ("updated_at", "date"), ("last_accessed", "date|null"),
            ("metadata.source", "string"), ("metadata.priority", "any|null"), ("metadata.tags", "array"),
            ("metadata.custom_fields", "object")],
        "indexes": [([("investigation_id", 1)], UNIQUE), ([("user_id", 1), ("created_at", -1)], {}),
            ([("tenant_id", 1), ("status", 1)], {}), ([("status", 1), ("updated_at", -1)], {})],
    },
    "templates": {
        "source": "investigation_templates",
        "declared": [("template_id", *same("VARCHAR(255)")), ("user_id", *same("VARCHAR(255)")),
            ("name", *same("VARCHAR(255)")), ("description", *same("TEXT")), ("tags", *same("TEXT")),
            ("template_json", *same("TEXT")), ("usage_count", *same("INTEGER")), ("last_used", *same("TIMESTAMP")),
            ("created_at", *same("TIMESTAMP")), ("updated_at", *same("TIMESTAMP"))],
        "key": ("template_id",),
        "fields": [("_id", "string"), ("template_id", "string"), ("user_id", "string"), ("tenant_id", "string"),
            ("name", "string"), ("description", "string|null"), ("tags", "array|null"),
            ("template.entity_type", "string|null"), ("template.settings", "object"), ("template.agents", "array"),
            ("template.data_sources", "array"), ("template.default_params", "object"), ("usage_count", "int"),
            ("last_used", "date|null"), ("created_at", "date"), ("updated_at", "date")],
        "indexes": [([("template_id", 1)], UNIQUE), ([("user_id", 1), ("name", 1)], UNIQUE),
            ([("tenant_id", 1), ("usage_count", -1)], {})],
    },
    "detectors": {
        "source": "detectors",
        "declared": [("id", *ID), ("name", *same("TEXT")), ("type", *WORD), ("cohort_by", *JSON), ("metrics", *JSON),
            ("params", *JSON), ("enabled", *same("BOOLEAN")), ("created_at", *TIME), ("updated_at", *TIME)],
        "key": ("id",),
        "fields": [("_id", "string"), ("detector_id", "string"), ("name", "string"), ("type", "string"),
            ("cohort_by.dimensions", "array"), ("cohort_by.filters", "object"), ("metrics.primary", "string|null"),
            ("metrics.secondary", "array"), ("metrics.aggregations", "array"), ("params.sensitivity", "double|null"),
            ("params.threshold", "double|null"), ("params.window_size", "int|null"),
            ("params.algorithm_specific", "object"), ("enabled", "bool"), ("tenant_id", "string"),
            ("created_at", "date"), ("updated_at", "date")],
        "indexes": [([("detector_id", 1)], UNIQUE), ([("type", 1), ("enabled", 1)], {}),
            ([("tenant_id", 1), ("enabled", 1)], {}), ([("type", 1)], {}), ([("enabled", 1)], {})],
    },
    "detection_runs": {
        "source": "detection_runs",
        "declared": [("id", *ID), ("detector_id", *ID), ("status", *WORD), ("started_at", *TIME),
            ("finished_at", *TIME), ("window_from", *TIME), ("window_to", *TIME), ("info", *JSON)],
        "key": ("id",),
        "fields": [("_id", "string"), ("run_id", "string"), ("metadata.detector_id", "string"),
            ("metadata.detector_type", "string|null"), ("metadata.tenant_id", "string"), ("metadata.status", "string"),
            ("started_at", "date"), ("finished_at", "date|null"), ("duration_ms", "int|null"), ("window.from", "date"),
            ("window.to", "date"), ("window.duration_hours", "double|null"), ("info.records_processed", "int|null"),
            ("info.cohorts_analyzed", "int|null"), ("info.anomalies_detected", "int|null"),
            ("info.error_message", "string|null"), ("info.additional_info", "object|null")],
        "indexes": [([("run_id", 1)], {}), ([("metadata.detector_id", 1)], {}), ([("metadata.status", 1)], {})],
    },
    "anomaly_events": {
        "source": "anomaly_events",
        "declared": [("id", *ID), ("run_id", *ID), ("detector_id", *ID), ("cohort", *JSON), ("window_start", *TIME),
            ("window_end", *TIME), ("metric", *same("TEXT")), ("observed", *NUMBER), ("expected", *NUMBER),
            ("score", *NUMBER), ("severity", *WORD), ("persisted_n", *same("INTEGER")), ("status", *WORD),
            ("evidence", *JSON), ("investigation_id", *ID), ("created_at", *TIME)],
        "key": ("id",),
        "fields": [("_id", "string"), ("anomaly_id", "string"), ("run_id", "string"), ("detector_id", "string"),
            ("investigation_id", "string|null"), ("tenant_id", "string"), ("cohort", "object"),
            ("window.start", "date"), ("window.end", "date"), ("window.duration_minutes", "double|null"),
            ("metric", "string"), ("observed", "double"), ("expected", "double"), ("score", "double"),
            ("severity", "string|null"), ("status", "string"), ("persisted_n", "int"), ("first_seen", "date"),
            ("last_seen", "date"), ("evidence", "object|null"), ("created_at", "date")],
        "indexes": [([("anomaly_id", 1)], UNIQUE), ([("run_id", 1), ("created_at", -1)], {}),
            ([("detector_id", 1), ("score", -1)], {}), ([("tenant_id", 1), ("status", 1), ("severity", -1)], {}),
            ([("investigation_id", 1)], {}), ([("run_id", 1)], {}), ([("detector_id", 1)], {}), ([("score", 1)], {}),
            ([("severity", 1)], {}), ([("status", 1)], {})],
    },
    "transaction_scores": {
        "source": "transaction_scores",
        "declared": [("investigation_id", *same("VARCHAR(255)")), ("transaction_id", *same("VARCHAR(255)")),
            ("risk_score", *same("DOUBLE PRECISION")), ("created_at", *same("TIMESTAMP"))],
        "key": ("investigation_id", "transaction_id"),
        "fields": [("_id", "object"), ("investigation_id", "string"), ("transaction_id", "string"),
            ("tenant_id", "string"), ("risk_score", "double"), ("score_components", "any|null"),
            ("created_at", "date|null")],
        "indexes": [([("investigation_id", 1), ("transaction_id", 1)], UNIQUE),
            ([("investigation_id", 1), ("risk_score", -1)], {}), ([("tenant_id", 1), ("created_at", -1)], {}),
            ([("transaction_id", 1)], {})],
    },
    "composio_connections": {
        "source": "composio_connections",
        "declared": [("id", *same("VARCHAR(36)")), ("tenant_id", *same("VARCHAR(255)")),
            ("toolkit_name", *same("VARCHAR(100)")), ("connection_id", *same("VARCHAR(255)")),
            ("status", *same("VARCHAR(50)")), ("encrypted_access_token", *same("TEXT")),
            ("refresh_token", *same("TEXT")), ("expires_at", *TIME), ("created_at", *TIME), ("updated_at", *TIME),
            ("last_used_at", *TIME)],
        "key": ("id",),
        "fields": [("_id", "string"), ("connection_id", "string"), ("tenant_id", "string"), ("toolkit_name", "string"),
            ("composio_connection_id", "string"), ("status", "string"), ("encrypted_access_token", "string"),
            ("refresh_token", "string|null"), ("expires_at", "date|null"), ("created_at", "date"),
            ("updated_at", "date"), ("last_used_at", "date|null")],
        "indexes": [([("connection_id", 1)], UNIQUE), ([("tenant_id", 1), ("toolkit_name", 1), ("status", 1)], {}),
            ([("tenant_id", 1), ("toolkit_name", 1), ("composio_connection_id", 1)], UNIQUE)],
    },
    "soar_playbook_executions": {
        "source": "soar_playbook_executions",
        "declared": [("id", *same("VARCHAR(36)")), ("playbook_id", *same("VARCHAR(255)")),
            ("investigation_id", *same("VARCHAR(255)")), ("anomaly_id", *same("VARCHAR(255)")),
            ("tenant_id", *same("VARCHAR(255)")), ("trigger_reason", *same("TEXT")), ("status", *same("VARCHAR(50)")),
            ("started_at", *TIME), ("completed_at", *TIME), ("actions_executed", *same("TEXT")),
            ("error_message", *same("TEXT"))],
        "key": ("id",),
        "fields": [("_id", "string"), ("execution_id", "string"), ("playbook_id", "string"),
            ("investigation_id", "string|null"), ("anomaly_id", "string|null"), ("tenant_id", "string"),
            ("trigger_reason", "string|null"), ("triggered_by", "any|null"), ("status", "string"),
            ("started_at", "date"), ("completed_at", "date|null"), ("duration_ms", "int|null"),
            ("actions_executed", "array|null"), ("error_message", "string|null")],
        "indexes": [([("execution_id", 1)], UNIQUE), ([("tenant_id", 1), ("status", 1), ("started_at", -1)], {}),
            ([("investigation_id", 1), ("started_at", -1)], {}), ([("playbook_id", 1)], {})],
    },
    "composio_action_audits": {
        "source": "composio_action_audit",
        "declared": [("id", *same("VARCHAR(36)")), ("action_id", *same("VARCHAR(255)")),
            ("execution_id", *same("VARCHAR(255)")), ("toolkit_name", *same("VARCHAR(100)")),
            ("action_name", *same("VARCHAR(100)")), ("tenant_id", *same("VARCHAR(255)")),
            ("connection_id", *same("VARCHAR(255)")), ("parameters", *same("TEXT")), ("result", *same("TEXT")),
            ("status", *same("VARCHAR(50)")), ("executed_at", *TIME), ("retry_count", *same("INTEGER")),
            ("error_message", *same("TEXT"))],
        "key": ("id",),
        "fields": [("_id", "string"), ("audit_id", "string"), ("action_id", "string"), ("execution_id", "string|null"),
            ("toolkit_name", "string"), ("action_name", "string"), ("tenant_id", "string"), ("connection_id", "string"),
            ("parameters", "object|null"), ("result", "object|null"), ("status", "string"), ("executed_at", "date"),
            ("retry_count", "int"), ("error_message", "string|null")],
        "indexes": [([("audit_id", 1)], UNIQUE), ([("connection_id", 1)], {}), ([("action_id", 1)], {}),
            ([("execution_id", 1)], {}), ([("toolkit_name", 1)], {}), ([("status", 1)], {}),
            ([("tenant_id", 1), ("executed_at", -1)], {})],
    },
    "audit_log": {
        "source": "investigation_audit_log",
        "declared": [("entry_id", *same("VARCHAR(255)")), ("investigation_id", *same("VARCHAR(255)")),
            ("user_id", *same("VARCHAR(255)")), ("action_type", "VARCHAR(50)", "VARCHAR(100)"),
            ("changes_json", *same("TEXT")), ("state_snapshot_json", *same("TEXT")), ("source", *same("VARCHAR(50)")),
            ("from_version", *same("INTEGER")), ("to_version", *same("INTEGER")), ("timestamp", *same("TIMESTAMP"))],
        "key": ("entry_id",),
        "fields": [("_id", "string"), ("entry_id", "string"), ("metadata.investigation_id", "string"),
            ("metadata.user_id", "string"), ("metadata.tenant_id", "string"), ("metadata.action_type", "string"),
            ("metadata.source", "string"), ("timestamp", "date"), ("changes.fields_modified", "array|null"),
            ("changes.before", "any|null"), ("changes.after", "any|null"), ("state_snapshot", "object|null"),
            ("from_version", "int|null"), ("to_version", "int|null"), ("ip_address", "any|null"),
            ("user_agent", "any|null"), ("original.action_type", "string"), ("original.source", "string")],
        "indexes": [([("entry_id", 1)], {}), ([("metadata.investigation_id", 1)], {}),
            ([("metadata.action_type", 1)], {}), ([("timestamp", 1)], {})],
    },
}
# fmt: on

NO_UNIQUE = "no server builds a unique index on a time series; the same keys have a plain one"
NOT_THERE = "names a field that no document has; the id is outside metadata and indexed there"
NOT_MADE: list[tuple[str, Keys, dict[str, bool], str]] = [
    ("detection_runs", [("run_id", 1)], UNIQUE, NO_UNIQUE),
    ("detection_runs", [("metadata.run_id", 1)], {}, NOT_THERE),
    ("audit_log", [("entry_id", 1)], UNIQUE, NO_UNIQUE),
    ("audit_log", [("metadata.entry_id", 1)], {}, NOT_THERE),
    ("transaction_scores", [("investigation_id", 1)], {}, "a prefix of the unique index serves the same queries"),
]

TIME_SERIES = {
    "detection_runs": {"timeField": "started_at", "metaField": "metadata", "granularity": "minutes"},
    "audit_log": {"timeField": "timestamp", "metaField": "metadata", "granularity": "seconds"},
}

VECTOR = {
    "collection": "anomaly_events",
    "path": "embedding",
    "dimensions": 384,
    "similarity": "cosine",
    "name": "anomaly_vector_index",
    "text": ("metric", "observed", "expected", "score"),
    "objects": ("evidence",),
    "filters": {"tenant_id", "severity", "detector_id", "status"},
}
WITH_TENANT_COLUMN = {"composio_connections", "composio_action_audits", "soar_playbook_executions"}

# table, column, target in the source, whether the source enforces it
REFERENCES = {
    ("detection_runs", "detector_id", "detectors.id", True),
    ("anomaly_events", "run_id", "detection_runs.id", True),
    ("anomaly_events", "detector_id", "detectors.id", True),
    ("anomaly_events", "investigation_id", "investigation_states.investigation_id", False),
    ("transaction_scores", "investigation_id", "investigation_states.investigation_id", False),
    ("investigation_audit_log", "investigation_id", "investigation_states.investigation_id", False),
    ("composio_action_audit", "connection_id", "composio_connections.connection_id", False),
    ("composio_action_audit", "execution_id", "soar_playbook_executions.id", False),
    ("soar_playbook_executions", "investigation_id", "investigation_states.investigation_id", False),
    ("soar_playbook_executions", "anomaly_id", "anomaly_events.id", False),
}

SECRETS = {("composio_connections", "encrypted_access_token"), ("composio_connections", "refresh_token")}

# by collection and path in the document
ALLOWED = {
    ("investigations", "lifecycle_stage"): {"CREATED", "SETTINGS", "IN_PROGRESS", "COMPLETED"},
    ("investigations", "status"): {"CREATED", "SETTINGS", "IN_PROGRESS", "COMPLETED", "ERROR", "CANCELLED"},
    ("detectors", "type"): {"stl_mad", "cusum", "isoforest", "rcf", "matrix_profile"},
    ("detection_runs", "metadata.status"): {"queued", "running", "success", "failed"},
    ("anomaly_events", "severity"): {"info", "warn", "critical"},
    ("anomaly_events", "status"): {"new", "triaged", "closed"},
    ("audit_log", "metadata.action_type"): {
        "CREATE", "UPDATE", "DELETE", "EXECUTE", "STATE_CHANGE", "SETTINGS_CHANGE",
    },
    ("audit_log", "metadata.source"): {"POLLING", "USER", "SYSTEM", "API", "WEBHOOK"},
    ("composio_connections", "status"): {"active", "expired", "revoked"},
    ("composio_action_audits", "status"): {"success", "failed", "retrying"},
    ("soar_playbook_executions", "status"): {"running", "completed", "failed", "cancelled"},
}  # fmt: skip

BOUNDS = {
    ("investigations", "version"): (1, None),
    ("investigations", "progress.progress_percentage"): (0, 100),
    ("investigations", "results.risk_score"): (0, 1),
    ("detectors", "params.sensitivity"): (0, 1),
    ("detectors", "params.window_size"): (1, None),
    ("detection_runs", "duration_ms"): (0, None),
    ("detection_runs", "window.duration_hours"): (0, None),
    ("detection_runs", "info.records_processed"): (0, None),
    ("detection_runs", "info.cohorts_analyzed"): (0, None),
    ("detection_runs", "info.anomalies_detected"): (0, None),
    ("anomaly_events", "window.duration_minutes"): (0, None),
    ("anomaly_events", "score"): (0, None),
    ("anomaly_events", "persisted_n"): (1, None),
    ("transaction_scores", "risk_score"): (0, 1),
    ("audit_log", "from_version"): (0, None),
    ("audit_log", "to_version"): (0, None),
    ("templates", "usage_count"): (0, None),
    ("composio_action_audits", "retry_count"): (0, None),
    ("soar_playbook_executions", "duration_ms"): (0, None),
}
