"""Rows of investigation_audit_log that are hard to move, all of them legal.

What belongs here: unknown actions, other sources, payloads of every JSON kind, old entry ids, entries of investigations
that are gone. What does not: rows that must be refused (`dirty`).
"""

from __future__ import annotations

from collections.abc import Iterator

from atlas_pipeline.local.platform_sample.audit import deleted_investigation
from atlas_pipeline.local.platform_sample.hard_values import (
    HARD_NAMES,
    INT32_MAX,
    NEAR_MOMENTS,
    OUTSIDE_32_BITS,
    UNUSUAL_JSON,
)
from atlas_pipeline.local.platform_sample.investigations import investigation
from atlas_pipeline.local.platform_sample.world import Row, Value, World, row_key, to_json
from atlas_pipeline.local.sample.hard_values import HARD_OBJECTS, HARD_TEXTS
from atlas_pipeline.local.sample.world import variant

_BASE: Row = {
    "entry_id": "",
    "investigation_id": investigation(0),
    "user_id": "SYSTEM",
    "action_type": "PROGRESS",
    "changes_json": '{"percent_complete": 40}',
    "state_snapshot_json": None,
    "source": "SYSTEM",
    "from_version": 3,
    "to_version": 4,
    "timestamp": "2025-05-01 10:00:00.123456+00:00",
}
UNKNOWN_ACTIONS = ("EXECUTED", "SETTINGS_CHANGE", "RESTARTED", "PAUSED", "tool_execution", "Completed", "", "X" * 100)
"""Action types that today's application does not write; no constraint forbids them."""

_CHANGES: dict[str, str | None] = {
    "null": None,
    "empty-text": "",
    "json-null": "null",
    "object-empty": "{}",
    "array": '["settings_json", "progress_json"]',
    "array-empty": "[]",
    "array-of-objects": '[{"field": "status", "old": "CREATED", "new": "SETTINGS"}]',
    "string": '"status changed by hand"',
    "string-empty": '""',
    "before-and-after": '{"fields_modified": ["status"], "before": {"status": "SETTINGS"}, "after": {}}',
    **UNUSUAL_JSON,
    **{f"object-{name}": to_json(value) for name, value in HARD_OBJECTS.items()},
    **{f"text-{name}": to_json({"reason": text}) for name, text in HARD_TEXTS.items() if name != "one-megabyte"},
}
_SNAPSHOTS: dict[str, str | None] = {
    "empty-text": "",
    "json-null": "null",
    "object": to_json({"status": "IN_PROGRESS", "version": 3, "settings": {"a.b": 1}}),
    "whitespace": UNUSUAL_JSON["whitespace"],
}
_COLUMNS: dict[str, dict[str, Value]] = {
    "polled": {"source": "POLLING"},
    "by-user": {"source": "USER", "user_id": "ines.garcia"},
    "no-versions": {"from_version": None, "to_version": None},
    "version-zero": {"from_version": 0, "to_version": 1},
    "version-negative": {"from_version": -1, "to_version": 0},
    "version-backwards": {"from_version": 9, "to_version": 2},
    "version-largest": {"from_version": INT32_MAX - 1, "to_version": INT32_MAX},
    "action-unlike-source": {"action_type": "DELETED", "source": "POLLING", "to_version": None},
    "server-time": {"timestamp": "2025-05-01 05:00:00.123456+00:00"},  # now() in a session of UTC-5
    **{f"time-{name}": {"timestamp": text} for name, text in {**NEAR_MOMENTS, **OUTSIDE_32_BITS}.items()},
}


def hard_audit(_: World) -> Iterator[Row]:
    """Every hard row."""
    for number, action in enumerate(UNKNOWN_ACTIONS):
        yield _row(f"action-{number}", action_type=action)
    for name, changes in _CHANGES.items():
        yield _row(f"changes-{name}", changes_json=changes)
    for name, snapshot in _SNAPSHOTS.items():
        yield _row(f"snapshot-{name}", state_snapshot_json=snapshot)
    for name, columns in _COLUMNS.items():
        yield _row(name, **columns)
    for number in range(25):
        old = f"{1_735_689_600_000 + number // 5}_{number}"  # milliseconds, and a sequence
        yield variant(_BASE, entry_id=old, investigation_id=investigation(number % 4))
    for number in range(30):  # the same moment and the same facts under other keys
        yield _row(f"same-{number}")
        yield _row(f"orphan-{number}", investigation_id=deleted_investigation(10_000_000 + number % 3))
    for name in HARD_NAMES.values():
        yield variant(_BASE, entry_id=name)
        yield _row(f"of-{name}", investigation_id=name)


def _row(name: str, **changes: Value) -> Row:
    return variant(_BASE, entry_id=row_key("investigation_audit_log", f"hard-{name}"), **changes)
