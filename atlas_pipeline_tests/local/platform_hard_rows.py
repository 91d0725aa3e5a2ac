"""Where the hard rows of the platform sample are found, as conditions of SQL.

What belongs here: one condition for each kind of hard row. What does not: tests.
"""

from __future__ import annotations

from atlas_pipeline.local.platform_sample.audit import ACTIONS

KNOWN = ", ".join(f"'{action}'" for action in ACTIONS)

# What the row is, and where such rows are found; a number is how many there must be at least when one is not enough.
HARD_ROWS: dict[str, str | tuple[str, int]] = {
    "a time ends in microseconds": "investigation_states WHERE updated_at = '2025-06-30 12:00:00.123456'",
    "a time is a microsecond before the year's end": "investigation_audit_log WHERE timestamp::text LIKE '%.999999'",
    "a time is before 1970": "detection_runs WHERE started_at < '1970-01-01'",
    "an entry is after 2038": "investigation_audit_log WHERE timestamp > '2038-01-19'",
    "a time is in the first year": "composio_connections WHERE expires_at < '0002-01-01'",
    "a time is in the last year": "investigation_templates WHERE last_used > '9999-01-01'",
    "an investigation was changed before it was created": ("investigation_states WHERE updated_at < created_at", 1),
    "a server default wrote five hours before the application": (
        "investigation_states WHERE updated_at - created_at BETWEEN '5 hours' AND '5 hours 1 second'"
    ),
    "JSON has blanks and line breaks": r"investigation_states WHERE settings_json LIKE E'\n\t{ \"z\" :1 ,\r\n%}  '",
    "JSON has its keys out of order": """investigation_states WHERE progress_json LIKE '{"b":{"d":1,"c":2},"a"%'""",
    "JSON has raw letters of other scripts": "investigation_templates WHERE template_json LIKE '%größe%鍵%'",
    "settings are an empty text": "investigation_states WHERE settings_json = ''",
    "settings are JSON null": "investigation_states WHERE settings_json = 'null'",
    "settings are NULL": "investigation_states WHERE settings_json IS NULL AND progress_json IS NULL",
    "progress is an empty text": "investigation_states WHERE progress_json = ''",
    "progress is JSON null": "investigation_states WHERE progress_json = 'null'",
    "progress speaks in lower case": "investigation_states WHERE progress_json LIKE '%\"running\"%Completed%'",
    "progress has over 10 MB": "investigation_states WHERE length(progress_json) > 10 * 1000 * 1000",
    "progress has over 100,000 scores": (
        "investigation_states WHERE length(progress_json) > 1000000 AND "
        "(SELECT count(*) FROM json_object_keys(progress_json::json -> 'transaction_scores')) > 100000"
    ),
    "progress is 100 levels deep": "investigation_states WHERE progress_json LIKE '%\"depth\": 100%'",
    "progress has keys with dots and dollars": """investigation_states WHERE progress_json LIKE '%"a.b": 1, "$set"%'""",
    "a risk is in per cent": "investigation_states WHERE progress_json LIKE '%\"risk_score\": 87.5%'",
    "a risk is negative": "investigation_states WHERE progress_json LIKE '%\"risk_score\": -0.25%'",
    "a risk is null": "investigation_states WHERE progress_json LIKE '%\"risk_score\": null%'",
    "a percentage is over 100": "investigation_states WHERE progress_json LIKE '%\"progress_percentage\": 140%'",
    "a phase is null": "investigation_states WHERE progress_json LIKE '%\"current_phase\": null%'",
    "a text in JSON holds NUL": r"investigation_states WHERE progress_json LIKE '%before\\u0000after%'",
    "a comparison made itself": (
        "investigation_states WHERE investigation_id LIKE 'auto-comp-%' AND user_id = 'auto-comparison-system'",
        3,
    ),
    "ids differ by case and blank": (
        "investigation_states WHERE investigation_id IN ('case-1', 'CASE-1', 'case-1 ')",
        3,
    ),
    "ids differ by normal form": (
        "investigation_states WHERE investigation_id IN (U&'zo\\00EB', U&'zoe\\0308')",
        2,
    ),
    "an id looks like a number": "investigation_states WHERE investigation_id = '0042'",
    "an id has 255 letters": "investigation_audit_log WHERE length(entry_id) = 255",
    "an id is empty": "investigation_states WHERE investigation_id = ''",
    "a detector's name is over 500": "detectors WHERE length(name) > 500",
    "a detector has one metric": "detectors WHERE metrics::text = '[\"tx_count\"]'",
    "parameters are none": "detectors WHERE params::text = '{}'",
    "a run ended before it began": ("detection_runs WHERE finished_at < started_at", 3),
    "a run has no end": ("detection_runs WHERE finished_at IS NULL AND status IN ('queued', 'running')", 2),
    "a run succeeded without an end": "detection_runs WHERE finished_at IS NULL AND status = 'success'",
    "a run took 999 microseconds": "detection_runs WHERE finished_at - started_at = '999 microseconds'",
    "a window is a microsecond": "detection_runs WHERE window_to - window_from = '1 microsecond'",
    "information is JSON null": "detection_runs WHERE info::text = 'null'",
    "information is NULL": "detection_runs WHERE info IS NULL",
    "runs differ in their key alone": (
        "(SELECT 1 FROM detection_runs GROUP BY detector_id, started_at, finished_at, window_from, window_to, "
        "info::text HAVING count(*) > 3) x"
    ),
    "a severity is null": ("anomaly_events WHERE severity IS NULL", 4),
    "a score is endless": "anomaly_events WHERE score = 'Infinity'",
    "an observation is not a number": "anomaly_events WHERE observed = 'NaN'",
    "an observation is minus zero": "anomaly_events WHERE observed::text = '-0'",
    "an observation is a tenth": "anomaly_events WHERE observed::text = '0.1'",
    "evidence is NULL": "anomaly_events WHERE evidence IS NULL",
    "evidence is JSON null": "anomaly_events WHERE evidence::text = 'null'",
    "evidence has keys with dots and dollars": """anomaly_events WHERE evidence::text LIKE '%"$score": 1.5%'
        AND evidence::text LIKE '%"a.b": 0.5%'""",
    "evidence has a whole series": "anomaly_events WHERE length(evidence::text) > 300000",
    "a cohort is empty": "anomaly_events WHERE cohort::text = '{}'",
    "an event is linked to nothing": (
        "anomaly_events e WHERE investigation_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM investigation_states s WHERE s.investigation_id = e.investigation_id::text)"
    ),
    "events share the natural key": (
        "(SELECT 1 FROM anomaly_events GROUP BY detector_id, window_start, window_end, metric, cohort::text "
        "HAVING count(*) > 3) x"
    ),
    "a score is over one": "transaction_scores WHERE risk_score > 1",
    "a score is negative": "transaction_scores WHERE risk_score < 0",
    "a score is exactly one": "transaction_scores WHERE risk_score = 1",
    "keys of two columns run together": (
        "transaction_scores a JOIN transaction_scores b ON a.investigation_id || a.transaction_id = "
        "b.investigation_id || b.transaction_id AND a.investigation_id < b.investigation_id"
    ),
    "scores outlive their investigation": (
        "transaction_scores t WHERE NOT EXISTS "
        "(SELECT 1 FROM investigation_states s WHERE s.investigation_id = t.investigation_id)",
        20,
    ),
    "entries outlive their investigation": (
        "investigation_audit_log l WHERE NOT EXISTS "
        "(SELECT 1 FROM investigation_states s WHERE s.investigation_id = l.investigation_id)",
        30,
    ),
    "executions outlive their investigation": (
        "soar_playbook_executions x WHERE investigation_id IS NOT NULL AND NOT EXISTS "
        "(SELECT 1 FROM investigation_states s WHERE s.investigation_id = x.investigation_id)"
    ),
    "actions are unknown": (f"investigation_audit_log WHERE action_type NOT IN ({KNOWN})", 8),
    "entries are polled or a user's": ("investigation_audit_log WHERE source IN ('POLLING', 'USER')", 3),
    "entry ids are of the old form": (r"investigation_audit_log WHERE entry_id ~ '^\d{13}_\d+$'", 25),
    "changes are an array": "investigation_audit_log WHERE changes_json LIKE '[%]'",
    "changes are a text": "investigation_audit_log WHERE changes_json LIKE '\"%\"'",
    "changes are an empty text": "investigation_audit_log WHERE changes_json = ''",
    "changes are JSON null": "investigation_audit_log WHERE changes_json = 'null'",
    "changes are NULL": "investigation_audit_log WHERE changes_json IS NULL",
    "a snapshot is there": "investigation_audit_log WHERE state_snapshot_json LIKE '{%}'",
    "entries differ in their key alone": (
        "(SELECT 1 FROM investigation_audit_log GROUP BY investigation_id, timestamp, action_type, changes_json, "
        "state_snapshot_json, source, from_version, to_version HAVING count(*) >= 30) x"
    ),
    "tags are a comma list with blanks": "investigation_templates WHERE tags LIKE ' % , %,% '",
    "tags are a comma list with gaps": "investigation_templates WHERE tags LIKE '%,,%,'",
    "tags are JSON with commas": "investigation_templates WHERE tags LIKE '[%, b\"]'",
    "tags are none, in five ways": (
        "(SELECT DISTINCT tags FROM investigation_templates WHERE coalesce(tags, '') IN ('', '   ', '[]', 'null')) x",
        5,
    ),
    "a description is over 2000": "investigation_templates WHERE length(description) > 2000",
    "a template has placeholders": "investigation_templates WHERE template_json LIKE '%{{ a }}%'",
    "a connection's id is of several tenants": (
        "composio_connections WHERE connection_id = 'shared' AND toolkit_name = 'jira'",
        6,
    ),
    "tenants differ by case and blank": (
        "(SELECT DISTINCT tenant_id FROM composio_action_audit WHERE lower(trim(tenant_id)) = 'default') x",
        3,
    ),
    "a ciphertext has line breaks": r"composio_connections WHERE encrypted_access_token LIKE E'%\n%\n%'",
    "parameters of an action are an empty text": "composio_action_audit WHERE parameters = ''",
    "a result of an action is JSON null": "composio_action_audit WHERE result = 'null'",
    "an action was tried six times": "(SELECT 1 FROM composio_action_audit GROUP BY action_id HAVING count(*) >= 6) x",
    "a step lacks its type": (
        """soar_playbook_executions WHERE actions_executed LIKE '[{"action_id": "step-1", "status"%'"""
    ),
    "a step has nothing": "soar_playbook_executions WHERE actions_executed = '[{}]'",
    "steps are an empty text": "soar_playbook_executions WHERE actions_executed = ''",
    "an execution ended before it began": "soar_playbook_executions WHERE completed_at < started_at",
    "several tenants run playbooks": ("(SELECT DISTINCT tenant_id FROM soar_playbook_executions) x", 4),
}
SQL_ONLY: dict[str, str | tuple[str, int]] = {
    "results have a column of their own": ("investigation_states WHERE results_json LIKE '{%'", 4),
    "results are an empty text": "investigation_states WHERE results_json = ''",
    "retries are NULL": ("composio_action_audit WHERE retry_count IS NULL", 3),
    "a score has no time": ("transaction_scores WHERE created_at IS NULL", 3),
    "information is an empty text": "detection_runs WHERE info = ''",
    "evidence is an empty text": "anomaly_events WHERE evidence = ''",
    "JSON in TEXT keeps its exponent": "detectors WHERE params LIKE '%\"exponent\": 1e2%'",
}
ORM_ONLY: dict[str, str | tuple[str, int]] = {
    "JSONB has rewritten its numbers": (
        """detectors WHERE params::text LIKE '%"exponent": 100%' AND params::text LIKE '%"trailing": 3.50%'"""
    ),
}
