"""Ordinary rows of investigation_audit_log: what happened to each investigation, in the words of the application.

What belongs here: the story of an investigation as a sequence of the twelve actions, each with its own payload. What
does not: rows that are hard to move (`hard_audit`).
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from atlas_pipeline.local.platform_sample.investigations import analyst, investigation, state
from atlas_pipeline.local.platform_sample.vocabulary import DOMAINS, FINDINGS, PHASES, TOOLS
from atlas_pipeline.local.platform_sample.world import MINUTE, SECOND, Row, World, fraction, row_key, time, to_json
from atlas_pipeline.local.sample.world import between, chance, pick

TABLE = "investigation_audit_log"
ACTIONS = (
    "CREATED", "UPDATED", "DELETED", "STATE_CHANGE", "STARTED", "PROGRESS", "PHASE_CHANGE", "COMPLETED", "ERROR",
    "CANCELLED", "TOOL_EXECUTION", "DOMAIN_FINDINGS",
)  # fmt: skip

# One investigation in this many was deleted; its trail is all that is left of it.
_LIVING_PER_DELETED = 40
_OPENING = ("CREATED", "UPDATED", "STATE_CHANGE", "STARTED")
_BODY = (*("PROGRESS",) * 8, *("TOOL_EXECUTION",) * 7, *("PHASE_CHANGE",) * 3, *("DOMAIN_FINDINGS",) * 2)
_BY_A_PERSON = frozenset({"CREATED", "UPDATED", "DELETED", "STATE_CHANGE", "CANCELLED"})


def deleted_investigation(number: int) -> str:
    """Id of an investigation that is gone."""
    return row_key("investigation_states", f"deleted-{number}")


def audit_rows(world: World) -> Iterator[Row]:
    """Ordinary rows, investigation by investigation, each in the order of time."""
    rng = world.rng(TABLE)
    living = world.count("investigation_states")
    stories = living + living // _LIVING_PER_DELETED + 1
    each, more = divmod(world.count(TABLE), stories)
    written = 0
    for position in range(stories):
        alive = position < living
        last = state(position)[0] if alive else "DELETED"
        owner = analyst(position)
        name = investigation(position) if alive else deleted_investigation(position - living)
        when = world.begun("investigation_states", position if alive else position % living)
        version = 1
        for action in _story(rng, last, each + (position < more)):
            by_a_person = action in _BY_A_PERSON
            after = None if action == "DELETED" else version
            yield {
                "entry_id": row_key(TABLE, written),
                "investigation_id": name,
                "user_id": owner if by_a_person else "SYSTEM",
                "action_type": action,
                "changes_json": to_json(payload(rng, action)),
                "state_snapshot_json": None,
                "source": "API" if by_a_person else "SYSTEM",
                "from_version": None if action == "CREATED" else version - (after is not None),
                "to_version": after,
                "timestamp": time(when),
            }
            written += 1
            version += 1
            when += between(rng, SECOND // 5, 4 * MINUTE)


def payload(rng: Random, action: str) -> dict[str, Any]:  # noqa: PLR0911  one return per action
    """What the writer of this action puts into changes_json."""
    match action:
        case "CREATED":
            return {"lifecycle_stage": "CREATED", "status": "CREATED", "has_settings": chance(rng, 0.5)}
        case "UPDATED":
            return {"settings": {"correlation_mode": pick(rng, ("OR", "AND"))}, "fields": ["settings_json"]}
        case "DELETED":
            return {"deleted": True, "reason": "requested by owner"}
        case "STATE_CHANGE":
            return {"status": {"from": "SETTINGS", "to": "IN_PROGRESS"}, "lifecycle_stage": "IN_PROGRESS"}
        case "STARTED":
            return {"agent": "orchestrator", "graph": "hybrid", "tools": list(TOOLS[: between(rng, 1, 4)])}
        case "PROGRESS":
            return {"percent_complete": between(rng, 0, 99), "current_phase": pick(rng, PHASES)}
        case "PHASE_CHANGE":
            number = between(rng, 1, len(PHASES) - 1)
            return {"from_phase": PHASES[number - 1], "to_phase": PHASES[number]}
        case "TOOL_EXECUTION":
            tool = pick(rng, TOOLS)
            seconds = fraction(rng, 9)
            return {"tool_name": tool, "status": "COMPLETED", "seconds": seconds, "rows": between(rng, 0, 900)}
        case "DOMAIN_FINDINGS":
            found = {"domain": pick(rng, DOMAINS), "risk_score": fraction(rng), "confidence": fraction(rng)}
            return {**found, "findings": [pick(rng, FINDINGS)], "count": 1}
        case "COMPLETED":
            return {"final_risk_score": fraction(rng), "duration_ms": between(rng, 20_000, 4_000_000)}
        case "ERROR":
            return {"error_type": "TimeoutError", "error_message": "The tool splunk_query did not answer"}
        case "CANCELLED":
            return {"reason": pick(rng, ("duplicate", "no longer needed")), "at_percent": between(rng, 0, 99)}
    raise ValueError(action)


def _story(rng: Random, last: str, length: int) -> list[str]:
    """`length` actions in an order that an investigation with this last status may have had."""
    opening: tuple[str, ...]
    body: tuple[str, ...]
    end: tuple[str, ...]
    if last == "CREATED":
        opening, body, end = ("CREATED",), ("UPDATED",), ()
    elif last == "SETTINGS":
        opening, body, end = ("CREATED", "UPDATED"), ("UPDATED",), ()
    else:
        opening, body, end = _OPENING, _BODY, () if last == "IN_PROGRESS" else (last,)
    story = list(opening)
    story += [pick(rng, body) for _ in range(max(0, length - len(opening) - len(end)))]
    return [*story, *end][:length]
