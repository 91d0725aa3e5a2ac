"""Rows of investigation_states that are hard to move, all of them legal.

What belongs here: unusual ids, times, settings, progress and results. What does not: rows that must be refused
(`dirty`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from atlas_pipeline.local.platform_sample.hard_values import (
    DEEPEST,
    FAR_MOMENTS,
    HARD_NAMES,
    INT32_MAX,
    NEAR_MOMENTS,
    UNUSUAL_JSON,
    large_progress,
)
from atlas_pipeline.local.platform_sample.world import Row, Value, World, to_json
from atlas_pipeline.local.sample.hard_values import HARD_OBJECTS, HARD_TEXTS, nested
from atlas_pipeline.local.sample.world import variant

_BASE: Row = {
    "investigation_id": "",
    "user_id": "maeve.quist",
    "lifecycle_stage": "COMPLETED",
    "settings_json": to_json({"name": "Hard case", "entities": [{"entity_type": "ip", "entity_value": "203.0.113.9"}]}),
    "progress_json": to_json({"current_phase": "summary", "percent_complete": 100, "risk_score": 0.5}),
    "results_json": None,
    "status": "COMPLETED",
    "version": 3,
    "created_at": "2025-05-01 10:00:00.123456+00:00",
    "updated_at": "2025-05-01 11:30:00.654321+00:00",
    "last_accessed": "2025-05-02 08:00:00.000001+00:00",
}

# Progress that differs from what the application writes today: one row each.
_PROGRESS: dict[str, dict[str, Any]] = {
    "empty": {},
    "lower-case-words": {"status": "running", "lifecycle_stage": "Completed", "phases": [{"status": "PAUSED"}]},
    "no-phase": {"current_phase": None, "percent_complete": 12.5},
    "percent-over": {"progress_percentage": 140},
    "percent-under": {"progress_percentage": -5, "percent_complete": 50},
    "percent-null": {"progress_percentage": None, "percent_complete": 61},
    "percent-text": {"progress_percentage": "45%"},
    "percent-completion-only": {"completion_percent": 33},
    "risk-in-percent": {"risk_score": 87.5, "overall_risk_score": 87.5},
    "risk-negative": {"risk_score": -0.25},
    "risk-null": {"risk_score": None, "overall_risk_score": 0.75, "findings": [], "summary": "partly scored"},
    "risk-overall-only": {"overall_risk_score": 1.5},
    "risk-one": {"risk_score": 1},
    "results-null": {"risk_score": None, "overall_risk_score": None, "findings": None, "summary": None},
    "estimate-unreadable": {"estimated_completion": "soon"},
    "estimate-null": {"estimated_completion": None},
    "estimate-naive": {"estimated_completion": "2025-06-30T12:00:00"},
    "estimate-microseconds": {"estimated_completion": "2025-06-30T12:00:00.123456+00:00"},
    "estimate-offset": {"estimated_completion": "2025-06-30T12:00:00.123+02:00"},
    "estimate-zulu": {"estimated_completion": "2025-06-30T12:00:00Z"},
    "dates-unreadable": {"started_at": "yesterday", "completed_at": "", "created_at": 1_746_093_600},
    "keys-of-callers": {
        "tool_results": {"a.b": 1, "$set": {"$inc": 2}, "": 3, "__proto__": {}},
        "phase_progress": {"10.0.0.1": 50, "$date": "2025-01-01"},
        "domain_findings": {"net.work": {"risk_score": 0.5}},
        "additional_data": "a key of that name",
        "phases_completed": "not a list",
    },
    "deepest": nested(DEEPEST),
    **{f"json-{name}": {"summary": name, "tool_results": value} for name, value in HARD_OBJECTS.items()},
    **{f"text-{name}": {"summary": text} for name, text in HARD_TEXTS.items()},
}

_SETTINGS: dict[str, dict[str, Any]] = {
    "empty": {},
    "flat": {
        "entity_type": "email",
        "entity_value": "a@example.org",
        "agents_selected": ["device"],
        "data_sources": [],
    },
    "no-entities": {"name": "x", "entities": [], "time_range": None},
    "time-range-nulls": {"time_range": {"start_time": None, "end_time": None, "duration_hours": 24, "type": "rolling"}},
    "time-range-text": {"time_range": "last 24 hours", "agents_selected": None},
    "entity-not-text": {"entities": [{"entity_type": "ip", "entity_value": 7}]},
    "everything-elsewhere": {
        "trigger_source": "cron",
        "graph_type": "clean",
        "graph": "v1",
        "additional_config": {"a": 1},
    },
    "restarted": {"metadata": {"restarted_to": "hard-restarted", "restarted_from": "gone"}},
}

# Other columns: name of the row, and what differs from the base.
_COLUMNS: dict[str, dict[str, Value]] = {
    "all-null": {
        "settings_json": None,
        "progress_json": None,
        "last_accessed": None,
        "status": "CREATED",
        "lifecycle_stage": "CREATED",
        "version": 1,
    },
    "json-empty-text": {"settings_json": "", "progress_json": ""},
    "json-null": {"settings_json": "null", "progress_json": "null"},
    "json-null-in-blanks": {"settings_json": " null ", "progress_json": "\tnull\n"},
    "json-minimal": {"settings_json": "{}", "progress_json": " { } "},
    "created-by-server-in-local-time": {
        "created_at": "2025-05-01 05:00:00.123456+00:00",  # now() in a session of UTC-5
        "updated_at": "2025-05-01 10:00:00.223456+00:00",  # written by the application in UTC
    },
    "updated-before-created": {
        "created_at": "2025-05-01 12:00:00.000001+00:00",  # now() in a session of UTC+2
        "updated_at": "2025-05-01 10:00:00.000002+00:00",
    },
    "version-largest": {"version": INT32_MAX},
    "user-of-other-script": {"user_id": "Žofie 陳"},
    **{f"settings-{name}": {"settings_json": text} for name, text in UNUSUAL_JSON.items()},
    **{f"progress-{name}": {"progress_json": text} for name, text in UNUSUAL_JSON.items()},
    **{f"time-{name}": {"created_at": text, "updated_at": text} for name, text in NEAR_MOMENTS.items()},
    **{f"time-{name}": {"last_accessed": text} for name, text in FAR_MOMENTS.items()},
}

# Only the SQL files make the column.
_RESULTS: dict[str, str] = {
    "own": to_json(
        {"summary": "From its own column", "risk_score": 0.25, "findings": [], "recommendations": ["Close"]}
    ),
    "empty-text": "",
    "json-null": "null",
    "empty": "{}",
    "other-keys": to_json({"verdict": "clean", "risk_score": "low", "findings": {"none": True}, "metadata": {"a": 1}}),
    "over-one": to_json({"risk_score": 87.5, "summary": None}),
}


def hard_investigations(world: World) -> Iterator[Row]:
    """Every hard row of this shape; ids begin with `hard-`, but for those whose id is what is hard."""
    for name, progress in _PROGRESS.items():
        yield _row(f"progress-of-{name}", progress_json=to_json(progress))
    for name, settings in _SETTINGS.items():
        yield _row(f"settings-of-{name}", settings_json=to_json(settings))
    for name, changes in _COLUMNS.items():
        yield _row(name, **changes)
    yield _row("large-progress", progress_json=large_progress())
    for key in HARD_NAMES.values():
        yield variant(_BASE, investigation_id=key)
    for number in range(3):
        key = f"auto-comp-{number:04}3f2a9c1e"
        yield variant(_BASE, investigation_id=key, user_id="auto-comparison-system")
    if world.shape == "sql":
        for name, results in _RESULTS.items():
            yield _row(f"results-{name}", results_json=results)


def _row(name: str, **changes: Value) -> Row:
    return variant(_BASE, investigation_id=f"hard-{name}", **changes)
