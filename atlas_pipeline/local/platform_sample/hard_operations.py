"""Rows of composio_connections, composio_action_audit and soar_playbook_executions that are hard to move, all legal.

What belongs here: tenants that look alike, ciphertexts of every length, answers of outside systems. What does not: rows
that must be refused (`dirty`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from atlas_pipeline.local.platform_sample.audit import deleted_investigation
from atlas_pipeline.local.platform_sample.hard_values import (
    FAR_MOMENTS,
    HARD_NAMES,
    INT32_MAX,
    NEAR_MOMENTS,
    UNUSUAL_JSON,
)
from atlas_pipeline.local.platform_sample.operations import ACTIONS, CONNECTIONS, EXECUTIONS
from atlas_pipeline.local.platform_sample.world import Row, Value, World, ciphertext, row_key, to_json
from atlas_pipeline.local.sample.hard_values import HARD_OBJECTS, HARD_TEXTS
from atlas_pipeline.local.sample.world import variant

_TIMES = {**NEAR_MOMENTS, **FAR_MOMENTS}
_TENANTS = ("default", "Default", "default ", "acme-payments", "ünïcode", "x" * 255)

_ACTION: Row = {
    "id": "",
    "action_id": "hard-action",
    "execution_id": None,
    "toolkit_name": "jira",
    "action_name": "CREATE_ISSUE",
    "tenant_id": "default",
    "connection_id": "conn_hard",
    "parameters": '{"project": "FRAUD"}',
    "result": '{"key": "FRAUD-1"}',
    "status": "success",
    "executed_at": "2025-05-01 10:00:00.123456+00:00",
    "retry_count": 0,
    "error_message": None,
}
_OBJECTS: dict[str, str | None] = {
    "null": None,
    "empty-text": "",
    "json-null": "null",
    "empty": "{}",
    **UNUSUAL_JSON,
    **{f"object-{name}": to_json(value) for name, value in HARD_OBJECTS.items()},
}
_ACTIONS: dict[str, dict[str, Value]] = {
    "no-connection": {"connection_id": "conn_that_is_gone"},
    "no-execution": {"execution_id": row_key(EXECUTIONS, "never")},
    "execution-empty": {"execution_id": ""},
    "retries-largest": {"retry_count": INT32_MAX, "status": "retrying"},
    "failed-with-result": {"status": "failed", "error_message": "line one\nline two\ttabbed"},
    **{f"parameters-{name}": {"parameters": text} for name, text in _OBJECTS.items()},
    **{f"result-{name}": {"result": text} for name, text in _OBJECTS.items()},
    **{f"tenant-{number}": {"tenant_id": tenant} for number, tenant in enumerate(_TENANTS)},
    **{f"error-{name}": {"error_message": text} for name, text in HARD_TEXTS.items() if name != "nul"},
    **{f"time-{name}": {"executed_at": text} for name, text in _TIMES.items()},
}

_EXECUTION: Row = {
    "id": "",
    "playbook_id": "block-card",
    "investigation_id": None,
    "anomaly_id": None,
    "tenant_id": "default",
    "trigger_reason": "by hand",
    "status": "completed",
    "started_at": "2025-05-01 10:00:00.123456+00:00",
    "completed_at": "2025-05-01 10:00:07.654321+00:00",
    "actions_executed": "[]",
    "error_message": None,
}
_STEP: dict[str, Any] = {
    "action_id": "step-1",
    "action_type": "http",
    "status": "success",
    "started_at": "2025-05-01T10:00:01.250+00:00",
}
# Elements of actions_executed as outside systems send them.
_STEPS: dict[str, list[dict[str, Any]]] = {
    "required-only": [_STEP],
    "without-id": [{key: value for key, value in _STEP.items() if key != "action_id"}],
    "without-type": [{key: value for key, value in _STEP.items() if key != "action_type"}],
    "without-status": [{key: value for key, value in _STEP.items() if key != "status"}],
    "without-start": [{key: value for key, value in _STEP.items() if key != "started_at"}],
    "without-anything": [{}],
    "one-good-one-bad": [_STEP, {"name": "block", "outcome": "done"}],
    "nulls": [dict.fromkeys(_STEP)],
    "other-types": [{**_STEP, "action_id": 7, "status": True, "result": "done", "error": {"code": 5}}],
    "other-status": [{**_STEP, "status": "SUCCEEDED"}, {**_STEP, "status": ""}],
    "start-naive": [{**_STEP, "started_at": "2025-05-01T10:00:01"}],
    "start-zulu": [{**_STEP, "started_at": "2025-05-01T10:00:01Z", "completed_at": "2025-05-01T09:00:00Z"}],
    "start-microseconds": [{**_STEP, "started_at": "2025-05-01T10:00:01.123456+00:00"}],
    "start-offset": [{**_STEP, "started_at": "2025-05-01T12:00:01.250+02:00"}],
    "start-unreadable": [{**_STEP, "started_at": "a minute ago"}],
    "start-seconds": [{**_STEP, "started_at": 1_746_093_601}],
    "extra-keys": [{**_STEP, "a.b": 1, "$where": 2, "nested": {"started_at": "2025-05-01T10:00:01Z"}}],
    "many": [{**_STEP, "action_id": f"step-{number}"} for number in range(2_000)],
}
_EXECUTIONS: dict[str, dict[str, Value]] = {
    "running": {"status": "running", "completed_at": None, "actions_executed": None},
    "completed-without-end": {"completed_at": None},
    "ended-before-start": {"completed_at": "2025-05-01 08:00:00+00:00"},
    "no-duration": {"completed_at": "2025-05-01 10:00:00.123456+00:00"},
    "failed": {"status": "failed", "error_message": "step 2:\n\trefused"},
    "cancelled": {"status": "cancelled"},
    "orphan": {"investigation_id": deleted_investigation(0), "anomaly_id": row_key("anomaly_events", "never")},
    "orphan-free-form": {"investigation_id": "auto-comp-gone", "anomaly_id": "not a uuid"},
    "links-empty": {"investigation_id": "", "anomaly_id": "", "trigger_reason": ""},
    "actions-null": {"actions_executed": None},
    "actions-empty-text": {"actions_executed": ""},
    "actions-json-null": {"actions_executed": "null"},
    "actions-whitespace": {"actions_executed": "\n[ ]\t"},
    **{f"actions-{name}": {"actions_executed": to_json(steps)} for name, steps in _STEPS.items()},
    **{f"reason-{name}": {"trigger_reason": text} for name, text in HARD_TEXTS.items() if name != "nul"},
    **{f"tenant-{number}": {"tenant_id": tenant} for number, tenant in enumerate(_TENANTS)},
    **{f"playbook-{name}": {"playbook_id": key} for name, key in HARD_NAMES.items()},
    **{f"time-{name}": {"started_at": text, "completed_at": None} for name, text in _TIMES.items()},
}


def hard_connections(world: World) -> Iterator[Row]:
    """Every hard connection."""
    rng = world.rng("hard connections")
    base: Row = {
        "id": "",
        "tenant_id": "default",
        "toolkit_name": "jira",
        "connection_id": "",
        "status": "active",
        "encrypted_access_token": "",
        "refresh_token": None,
        "expires_at": None,
        "created_at": "2025-05-01 10:00:00.123456+00:00",
        "updated_at": "2025-05-01 11:30:00.654321+00:00",
        "last_used_at": None,
    }
    folded = ciphertext(rng, 228)
    cases: dict[str, dict[str, Value]] = {
        "token-longest": {"encrypted_access_token": ciphertext(rng, 12_000)},
        "token-folded": {"encrypted_access_token": "\n".join(folded[n : n + 76] for n in range(0, 228, 76))},
        "token-trailing-blank": {"encrypted_access_token": ciphertext(rng) + " \n"},
        "refresh-empty": {"refresh_token": ""},
        "expired": {"status": "expired", "expires_at": "2025-05-01 10:00:00.123456+00:00"},
        "revoked": {"status": "revoked"},
        "updated-before-created": {"updated_at": "2025-05-01 05:00:00.000001+00:00"},
        **{f"name-{name}": {"connection_id": key} for name, key in HARD_NAMES.items()},
        **{f"tenant-{n}": {"tenant_id": tenant, "connection_id": "shared"} for n, tenant in enumerate(_TENANTS)},
        **{f"toolkit-{toolkit}": {"toolkit_name": toolkit, "connection_id": "shared"} for toolkit in ("Jira", "slack")},
        **{f"time-{name}": {"expires_at": text} for name, text in _TIMES.items()},
    }
    for name, changes in cases.items():
        fresh: dict[str, Value] = {"id": row_key(CONNECTIONS, name), "connection_id": f"hard-{name}"}
        fresh["encrypted_access_token"] = ciphertext(rng)
        yield variant(base, **{**fresh, **changes})


def hard_actions(world: World) -> Iterator[Row]:
    """Every hard action audit of this shape."""
    for name, changes in _ACTIONS.items():
        yield variant(_ACTION, id=row_key(ACTIONS, name), **changes)
    for attempt in range(6):  # one row per attempt of one action
        status = "retrying" if attempt < 5 else "success"
        yield variant(_ACTION, id=row_key(ACTIONS, f"attempt-{attempt}"), status=status, retry_count=attempt)
    if world.shape == "sql":
        for number in range(3):
            yield variant(_ACTION, id=row_key(ACTIONS, f"retries-null-{number}"), retry_count=None)


def hard_executions(_: World) -> Iterator[Row]:
    """Every hard playbook execution."""
    for name, changes in _EXECUTIONS.items():
        yield variant(_EXECUTION, id=row_key(EXECUTIONS, name), **changes)
