"""Ordinary rows of investigation_states: cases of a fraud team, from their settings to their results.

What belongs here: what the application writes into settings_json and progress_json. What does not: rows that are hard
to move (`hard_investigations`).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from atlas_pipeline.local.platform_sample.vocabulary import (
    ANALYSTS,
    DOMAINS,
    ENTITY_TYPES,
    FINDINGS,
    PHASES,
    SEVERITIES,
    TOOLS,
)
from atlas_pipeline.local.platform_sample.world import (
    HOUR,
    MINUTE,
    SECOND,
    Row,
    World,
    fraction,
    iso_time,
    row_key,
    scattered,
    time,
    to_json,
)
from atlas_pipeline.local.sample.world import between, chance, pick

TABLE = "investigation_states"

# Status, and the lifecycle stage beside it; as often as they stand here.
_STATES = (
    *(("COMPLETED", "COMPLETED"),) * 14,
    *(("ERROR", "IN_PROGRESS"),) * 2,
    ("CANCELLED", "IN_PROGRESS"),
    ("IN_PROGRESS", "IN_PROGRESS"),
    ("SETTINGS", "SETTINGS"),
    ("CREATED", "CREATED"),
)


def investigation(position: int) -> str:
    """Id of the ordinary investigation at this position."""
    return row_key(TABLE, position)


def state(position: int) -> tuple[str, str]:
    """Status and lifecycle stage of the investigation at this position."""
    return _STATES[scattered(position, 1_000) % len(_STATES)]


def analyst(position: int) -> str:
    """Owner of the investigation at this position."""
    return ANALYSTS[scattered(position, 10_007) % len(ANALYSTS)]


def transaction(investigation_position: int, number: int) -> str:
    """Id of a transaction that an investigation scored."""
    return f"TXN-{investigation_position:06}-{number:08}"


def investigation_rows(world: World) -> Iterator[Row]:
    """Ordinary rows, the oldest first."""
    rng = world.rng(TABLE)
    for position in range(world.count(TABLE)):
        status, stage = state(position)
        begun = world.begun(TABLE, position)
        changed = begun + between(rng, MINUTE, 6 * HOUR)
        settings = None if status == "CREATED" else to_json(settings_of(rng, position, begun))
        progress = None if status in ("CREATED", "SETTINGS") else to_json(progress_of(rng, position, begun, changed))
        yield {
            "investigation_id": investigation(position),
            "user_id": analyst(position),
            "lifecycle_stage": stage,
            "settings_json": settings,
            "progress_json": progress,
            "results_json": None,
            "status": status,
            "version": 1 if status == "CREATED" else between(rng, 2, 60),
            "created_at": time(begun),
            "updated_at": time(changed),
            "last_accessed": time(changed + between(rng, SECOND, 90 * HOUR)) if chance(rng, 0.8) else None,
        }


def settings_of(rng: Random, position: int, begun: int) -> dict[str, Any]:
    """Settings of an investigation in the shape of the API."""
    hours = pick(rng, (24, 72, 168, 720))
    by_hand = chance(rng, 0.7)
    settings: dict[str, Any] = {
        "name": f"{pick(rng, ('Spike', 'Chargebacks', 'Takeover', 'Card testing'))} {position}",
        "entities": [entity(rng) for _ in range(between(rng, 1, 3) if by_hand else 1)],
        "time_range": {
            "start_time": iso_time(begun - hours * HOUR) if by_hand else None,
            "end_time": iso_time(begun) if by_hand else None,
            "duration_hours": hours,
            "type": "custom" if by_hand else "rolling",
        },
        "investigation_type": pick(rng, ("structured", "hybrid")),
        "investigation_mode": "entity" if by_hand else "risk",
        "auto_select_entities": not by_hand,
        "tools": [
            {"tool_name": tool, "enabled": chance(rng, 0.9), "config": {"limit": between(rng, 10, 500)}}
            for tool in TOOLS[: between(rng, 1, 5)]
        ],
        "correlation_mode": pick(rng, ("OR", "AND")),
        "metadata": {"restarted_from": investigation(position - 1)} if position and chance(rng, 0.05) else {},
    }
    if chance(rng, 0.2):
        settings |= {"trigger_source": "scheduler", "graph_type": "hybrid", "graph": "v2"}
    return settings


def progress_of(rng: Random, position: int, begun: int, changed: int) -> dict[str, Any]:
    """Progress of an investigation, which carries its results."""
    status, stage = state(position)
    done = status == "COMPLETED"
    reached = len(PHASES) if done else between(rng, 1, len(PHASES) - 1)
    percent = 100 if done else reached * 20 - between(rng, 1, 19)
    risk = fraction(rng)
    tools = list(TOOLS[: between(rng, 1, 6)])
    findings = [finding(rng, number) for number in range(between(rng, 1, 4) if done else 0)]
    progress: dict[str, Any] = {
        "status": {"IN_PROGRESS": "running"}.get(status, status.lower()),
        "lifecycle_stage": stage.lower(),
        "percent_complete": percent,
        "completion_percent": percent,
        "current_phase": PHASES[reached - 1],
        "phases": [
            {"name": name, "status": "COMPLETED" if number < reached else "PENDING", "order": number}
            for number, name in enumerate(PHASES)
        ],
        "tools_executed": tools,
        "tool_executions": [
            {
                "tool_name": tool,
                "status": "COMPLETED" if chance(rng, 0.95) else "FAILED",
                "duration_ms": between(rng, 40, 9_000),
                "started_at": iso_time(begun + number * 7 * SECOND),
            }
            for number, tool in enumerate(tools)
        ],
        "phase_progress": {name: 100 if number < reached else 0 for number, name in enumerate(PHASES)},
        "domain_findings": {
            domain: {"risk_score": fraction(rng), "confidence": fraction(rng), "evidence": [pick(rng, FINDINGS)]}
            for domain in DOMAINS[: between(rng, 2, len(DOMAINS))]
        },
        "started_at": iso_time(begun),
        "created_at": iso_time(begun),
        "error_occurred": status == "ERROR",
    }
    if done:
        progress |= {
            "progress_percentage": 100,
            "risk_score": risk,
            "overall_risk_score": risk,
            "final_risk_score": risk,
            "findings": findings,
            "summary": f"{len(findings)} findings, the gravest: {findings[0]['title']}.",
            "transaction_scores": {
                transaction(position, number): fraction(rng) for number in range(between(rng, 0, 8))
            },
            "tools_used": tools,
            "tool_results": {tool: {"rows": between(rng, 0, 900)} for tool in tools},
            "completed_at": iso_time(changed),
        }
    else:
        progress["estimated_completion"] = iso_time(changed + HOUR)
    if status == "ERROR":
        progress["error_message"] = "The tool splunk_query did not answer"
    return progress


def entity(rng: Random) -> dict[str, str]:
    """One entity that is investigated."""
    kind = pick(rng, ENTITY_TYPES)
    number = between(rng, 1_000, 9_999)
    if kind == "email":
        value = f"buyer{number}@example.org"
    elif kind == "ip":
        value = f"203.0.113.{number % 256}"
    else:
        value = f"{kind[:3]}-{number}"
    return {"entity_type": kind, "entity_value": value}


def finding(rng: Random, number: int) -> dict[str, Any]:
    """One finding of a finished investigation."""
    return {
        "id": f"finding-{number}",
        "domain": pick(rng, DOMAINS),
        "severity": pick(rng, SEVERITIES),
        "title": pick(rng, FINDINGS),
        "confidence": fraction(rng),
    }
