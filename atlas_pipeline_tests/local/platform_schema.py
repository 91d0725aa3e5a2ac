"""The schema of the investigation platform as it must be, written down a second time.

What belongs here: columns in their physical order, types, required columns, defaults and what every constraint forbids.
What does not: tests, and anything that is shared with the sample.

A column is `name type`, with `!` when NULL is refused and `= default`. Where the two shapes differ: `orm | sql`.
"""

from __future__ import annotations

NOW = {"orm": "now()", "sql": "CURRENT_TIMESTAMP"}

COLUMNS: dict[str, str] = {
    "investigation_states": """
        investigation_id varchar(255)!; user_id varchar(255)!; lifecycle_stage varchar(50)!; settings_json text;
        progress_json text; | results_json text; status varchar(50)!; version integer! | version integer! = 1;
        created_at timestamp! = now; updated_at timestamp! = now; last_accessed timestamp
    """,
    "detectors": """
        id uuid! | id varchar(36)!; name text!; type varchar(50)! | type text!; cohort_by jsonb! | cohort_by text!;
        metrics jsonb! | metrics text!; params jsonb! | params text!; enabled boolean! | enabled boolean! = true;
        created_at timestamptz! = now | created_at timestamp! = now;
        updated_at timestamptz! = now | updated_at timestamp! = now
    """,
    "detection_runs": """
        id uuid! | id varchar(36)!; detector_id uuid! | detector_id varchar(36)!; status varchar(50)! | status text!;
        started_at timestamptz! = now | started_at timestamp! = now; finished_at timestamptz | finished_at timestamp;
        window_from timestamptz! | window_from timestamp!; window_to timestamptz! | window_to timestamp!;
        info jsonb | info text
    """,
    "anomaly_events": """
        id uuid! | id varchar(36)!; run_id uuid! | run_id varchar(36)!; detector_id uuid! | detector_id varchar(36)!;
        cohort jsonb! | cohort text!; window_start timestamptz! | window_start timestamp!;
        window_end timestamptz! | window_end timestamp!; metric text!; observed float8! | observed float4!;
        expected float8! | expected float4!; score float8! | score float4!; severity varchar(50) | severity text;
        persisted_n integer! | persisted_n integer! = 1; status varchar(50)! | status text! = new;
        evidence jsonb | evidence text; investigation_id uuid | investigation_id varchar(36);
        created_at timestamptz! = now | created_at timestamp! = now
    """,
    "transaction_scores": """
        investigation_id varchar(255)!; transaction_id varchar(255)!; risk_score float8!;
        created_at timestamp! = now | created_at timestamp = now
    """,
    "investigation_audit_log": """
        entry_id varchar(255)!; investigation_id varchar(255)!; user_id varchar(255)!; action_type varchar(100)!;
        changes_json text; state_snapshot_json text; source varchar(50)!; from_version integer; to_version integer;
        timestamp timestamp! = now
    """,
    "investigation_templates": """
        template_id varchar(255)!; user_id varchar(255)!; name varchar(255)!; description text; tags text;
        template_json text!; last_used timestamp; created_at timestamp! = now; updated_at timestamp! = now;
        usage_count integer! = 0
    """,
    "composio_connections": """
        id varchar(36)! | id varchar(36)! = uuid; tenant_id varchar(255)!; toolkit_name varchar(100)!;
        connection_id varchar(255)!; status varchar(50)!; encrypted_access_token text!; refresh_token text;
        expires_at timestamptz | expires_at timestamp; created_at timestamptz! = now | created_at timestamp! = now;
        updated_at timestamptz! = now | updated_at timestamp! = now; last_used_at timestamptz | last_used_at timestamp
    """,
    "composio_action_audit": """
        id varchar(36)! | id varchar(36)! = uuid; action_id varchar(255)!; execution_id varchar(255);
        toolkit_name varchar(100)!; action_name varchar(100)!; tenant_id varchar(255)!; connection_id varchar(255)!;
        parameters text; result text; status varchar(50)!;
        executed_at timestamptz! = now | executed_at timestamp! = now; retry_count integer! | retry_count integer = 0;
        error_message text
    """,
    "soar_playbook_executions": """
        id varchar(36)! | id varchar(36)! = uuid; playbook_id varchar(255)!; investigation_id varchar(255);
        anomaly_id varchar(255); tenant_id varchar(255)!; trigger_reason text; status varchar(50)!;
        started_at timestamptz! = now | started_at timestamp! = now; completed_at timestamptz | completed_at timestamp;
        actions_executed text; error_message text
    """,
}

INDEXES: dict[str, tuple[str, ...]] = {
    "investigation_states": ("user_id", "status", "updated_at", "lifecycle_stage"),
    "detectors": ("type", "enabled", "updated_at"),
    "detection_runs": ("detector_id", "status", "window_from, window_to", "started_at"),
    "anomaly_events": (
        "run_id", "detector_id", "severity", "status", "score", "window_start, window_end", "created_at",
        "investigation_id",
    ),
    "transaction_scores": ("investigation_id", "investigation_id, transaction_id"),
    "investigation_audit_log": ("investigation_id", "user_id", "timestamp", "action_type"),
    "investigation_templates": ("user_id", "usage_count", "updated_at"),
    "composio_connections": ("tenant_id", "status", "toolkit_name"),
    "composio_action_audit": ("tenant_id", "execution_id", "status", "executed_at"),
    "soar_playbook_executions": ("tenant_id", "investigation_id", "status", "started_at"),
}  # fmt: skip
"""Columns of the indexes beside those of the constraints; how often the ORM makes one is its own affair."""

DESCENDING_IN_SQL = {
    "investigation_states.updated_at", "detectors.updated_at", "detection_runs.started_at", "anomaly_events.score",
    "anomaly_events.created_at",
}  # fmt: skip
DESCENDING_ALWAYS = {
    "investigation_audit_log.timestamp", "investigation_templates.usage_count", "investigation_templates.updated_at",
}  # fmt: skip

# A statement, and the SQLSTATE that it must end with in both shapes.
NOT_NULL, FOREIGN_KEY, UNIQUE, CHECK = "23502", "23503", "23505", "23514"
FORBIDDEN: tuple[tuple[str, str], ...] = (
    ("UPDATE investigation_states SET lifecycle_stage = 'ERROR'", CHECK),
    ("UPDATE investigation_states SET status = 'PENDING'", CHECK),
    ("UPDATE investigation_states SET status = 'completed'", CHECK),
    ("UPDATE investigation_states SET version = 0", CHECK),
    ("UPDATE investigation_states SET investigation_id = 'one'", UNIQUE),
    ("UPDATE detectors SET type = 'prophet'", CHECK),
    ("UPDATE detectors SET params = NULL", NOT_NULL),
    ("UPDATE detection_runs SET status = 'done'", CHECK),
    ("UPDATE detection_runs SET window_to = window_from", CHECK),
    ("UPDATE detection_runs SET detector_id = '00000000-0000-4000-8000-000000000000'", FOREIGN_KEY),
    ("UPDATE anomaly_events SET severity = 'high'", CHECK),
    ("UPDATE anomaly_events SET status = 'open'", CHECK),
    ("UPDATE anomaly_events SET score = -0.5", CHECK),
    ("UPDATE anomaly_events SET persisted_n = 0", CHECK),
    ("UPDATE anomaly_events SET window_end = window_start", CHECK),
    ("UPDATE anomaly_events SET run_id = '00000000-0000-4000-8000-000000000000'", FOREIGN_KEY),
    ("UPDATE anomaly_events SET detector_id = '00000000-0000-4000-8000-000000000000'", FOREIGN_KEY),
    ("UPDATE transaction_scores SET investigation_id = 'one'", UNIQUE),
    ("UPDATE transaction_scores SET risk_score = NULL", NOT_NULL),
    ("UPDATE investigation_audit_log SET source = 'UI'", CHECK),
    ("UPDATE investigation_audit_log SET entry_id = 'one'", UNIQUE),
    ("UPDATE investigation_templates SET usage_count = -1", CHECK),
    ("UPDATE investigation_templates SET user_id = 'one', name = 'one'", UNIQUE),
    ("UPDATE investigation_templates SET template_json = NULL", NOT_NULL),
    ("UPDATE composio_connections SET status = 'pending'", CHECK),
    (
        "UPDATE composio_connections SET tenant_id = 'one', toolkit_name = 'one', connection_id = 'one'",
        UNIQUE,
    ),
    ("UPDATE composio_action_audit SET status = 'done'", CHECK),
    ("UPDATE soar_playbook_executions SET status = 'done'", CHECK),
)


def columns_of(table: str, shape: str) -> list[str]:
    """Columns of a table in this shape, as `name type! = default`."""
    found = []
    for entry in " ".join(COLUMNS[table].split()).split(";"):
        orm, _, other = entry.partition("|")
        chosen = other if shape == "sql" and other else orm
        if chosen.strip():
            found.append(chosen.strip())
    return found
