"""Ordinary rows of composio_connections, composio_action_audit and soar_playbook_executions.

What belongs here: the tables that know tenants. What does not: rows that are hard to move (`hard_operations`).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from atlas_pipeline.local.platform_sample.anomalies import event
from atlas_pipeline.local.platform_sample.investigations import investigation
from atlas_pipeline.local.platform_sample.vocabulary import PLAYBOOKS, TENANTS, TOOLKIT_ACTIONS, TOOLKITS
from atlas_pipeline.local.platform_sample.world import (
    DAY,
    HOUR,
    SECOND,
    Row,
    World,
    ciphertext,
    iso_time,
    row_key,
    scattered,
    time,
    to_json,
)
from atlas_pipeline.local.sample.world import between, chance, pick

CONNECTIONS, ACTIONS, EXECUTIONS = "composio_connections", "composio_action_audit", "soar_playbook_executions"


def provider_id(position: int) -> str:
    """What the provider calls the connection at this position."""
    return f"conn_{row_key('provider', position)[:18]}"


def _tenant(position: int) -> str:
    return TENANTS[scattered(position, 9_973) % len(TENANTS)]


def _toolkit(position: int) -> str:
    return TOOLKITS[position % len(TOOLKITS)]


def connection_rows(world: World) -> Iterator[Row]:
    """Ordinary connections of all tenants to all toolkits."""
    rng = world.rng(CONNECTIONS)
    for position in range(world.count(CONNECTIONS)):
        begun = world.begun(CONNECTIONS, position)
        status = ("active", "active", "active", "active", "expired", "revoked")[(position + position // 6) % 6]
        yield {
            "id": row_key(CONNECTIONS, position),
            "tenant_id": _tenant(position),
            "toolkit_name": _toolkit(position),
            "connection_id": provider_id(position),
            "status": status,
            "encrypted_access_token": ciphertext(rng),
            "refresh_token": ciphertext(rng, 200) if chance(rng, 0.7) else None,
            "expires_at": time(begun + between(rng, 30, 400) * DAY) if chance(rng, 0.9) else None,
            "created_at": time(begun),
            "updated_at": time(begun + between(rng, 0, 30 * DAY)),
            "last_used_at": time(begun + between(rng, 0, 30 * DAY)) if chance(rng, 0.8) else None,
        }


def action_rows(world: World) -> Iterator[Row]:
    """Ordinary action audits: one row per attempt, up to three attempts of the same action."""
    rng = world.rng(ACTIONS)
    connections, executions = world.count(CONNECTIONS), world.count(EXECUTIONS)
    for position in range(world.count(ACTIONS)):
        action, attempt = divmod(position, 4) if position % 16 < 3 else (position + 10_000_000, 0)
        connection = scattered(action, connections)
        status = "retrying" if position % 16 in (0, 1) else pick(rng, ("success", "success", "success", "failed"))
        toolkit = _toolkit(connection)
        result = {"successful": True, "data": {"id": between(rng, 1, 9_999)}}
        yield {
            "id": row_key(ACTIONS, position),
            "action_id": row_key("action", action),
            "execution_id": row_key(EXECUTIONS, scattered(action, executions)) if chance(rng, 0.6) else None,
            "toolkit_name": toolkit,
            "action_name": TOOLKIT_ACTIONS[toolkit][action % len(TOOLKIT_ACTIONS[toolkit])],
            "tenant_id": _tenant(connection),
            "connection_id": provider_id(connection),
            "parameters": to_json({"channel": "#fraud-ops", "text": f"Case {position} was raised", "urgent": False}),
            "result": to_json(result) if status == "success" else None,
            "status": status,
            "executed_at": time(world.begun(ACTIONS, position)),
            "retry_count": attempt,
            "error_message": None if status == "success" else "429 Too Many Requests",
        }


def execution_rows(world: World) -> Iterator[Row]:
    """Ordinary playbook executions, most of them started by an anomaly."""
    rng = world.rng(EXECUTIONS)
    events, investigations = world.count("anomaly_events"), world.count("investigation_states")
    for position in range(world.count(EXECUTIONS)):
        begun = world.begun(EXECUTIONS, position)
        status = ("completed",) * 7 + ("failed", "cancelled", "running")
        now = status[scattered(position, 6_007) % len(status)]
        ended = begun + between(rng, SECOND, HOUR)
        by_anomaly = chance(rng, 0.7)
        yield {
            "id": row_key(EXECUTIONS, position),
            "playbook_id": pick(rng, PLAYBOOKS),
            "investigation_id": investigation(between(rng, 0, investigations - 1)) if chance(rng, 0.8) else None,
            "anomaly_id": event(between(rng, 0, events - 1)) if by_anomaly else None,
            "tenant_id": _tenant(position),
            "trigger_reason": "critical anomaly" if by_anomaly else None,
            "status": now,
            "started_at": time(begun),
            "completed_at": None if now == "running" else time(ended),
            "actions_executed": to_json([step(rng, begun, number) for number in range(between(rng, 0, 4))]),
            "error_message": "step 2 was refused" if now == "failed" else None,
        }


def step(rng: Random, begun: int, number: int) -> dict[str, Any]:
    """One element of actions_executed with all that a well-behaved system sends."""
    started = begun + number * 3 * SECOND
    return {
        "action_id": f"step-{number + 1}",
        "action_type": pick(rng, ("http", "ticket", "message")),
        "status": pick(rng, ("success", "success", "success", "error")),
        "started_at": iso_time(started),
        "completed_at": iso_time(started + between(rng, 1, 3 * SECOND)),
        "result": {"code": pick(rng, (200, 201, 429))},
        "error": None,
    }
