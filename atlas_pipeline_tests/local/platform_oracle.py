"""A plain reading of a platform database, row by row, that says which values cannot be loaded and why.

What belongs here: the rules of the source, written down a second time and sharing no code with the sample or the
pipeline. What does not: tests.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

# Column, what its JSON must be (None: anything), whether it must be there.
JSON_COLUMNS: dict[str, tuple[type | None, bool]] = {
    "investigation_states.settings_json": (dict, False),
    "investigation_states.progress_json": (dict, False),
    "investigation_states.results_json": (dict, False),
    "detectors.cohort_by": (list, True),
    "detectors.metrics": (list, True),
    "detectors.params": (dict, True),
    "detection_runs.info": (dict, False),
    "anomaly_events.cohort": (dict, True),
    "anomaly_events.evidence": (dict, False),
    "investigation_audit_log.changes_json": (None, False),
    "investigation_audit_log.state_snapshot_json": (None, False),
    "investigation_templates.template_json": (dict, True),
    "composio_action_audit.parameters": (dict, False),
    "composio_action_audit.result": (dict, False),
    "soar_playbook_executions.actions_executed": (list, False),
}
KEYS: dict[str, tuple[str, ...]] = {
    "investigation_states": ("investigation_id",),
    "detectors": ("id",),
    "detection_runs": ("id",),
    "anomaly_events": ("id",),
    "transaction_scores": ("investigation_id", "transaction_id"),
    "investigation_audit_log": ("entry_id",),
    "investigation_templates": ("template_id",),
    "composio_connections": ("id",),
    "composio_action_audit": ("id",),
    "soar_playbook_executions": ("id",),
}
MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?(\+00)?")
Fault = tuple[str, tuple[str, ...], str, str]  # table, key, column, code


@contextmanager
def connected(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection whose session is in UTC; what it changes is rolled back."""
    with psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), options="-c timezone=UTC") as one:
        yield one
        one.rollback()


def texts(connection: psycopg.Connection[Any], table: str) -> Iterator[dict[str, str | None]]:
    """Every row of a table, each value as PostgreSQL writes it."""
    columns = [name for name, _ in column_types(connection, table)]
    selected = ", ".join(f'"{name}"::text' for name in columns)
    order = ", ".join(f'"{name}"::text COLLATE "C"' for name in KEYS[table])
    for row in connection.execute(f"SELECT {selected} FROM {table} ORDER BY {order}"):
        yield dict(zip(columns, row, strict=True))


def column_types(connection: psycopg.Connection[Any], table: str) -> list[tuple[str, str]]:
    """Name and type of each column in physical order."""
    query = (
        "SELECT column_name::text, udt_name::text FROM information_schema.columns "
        "WHERE table_name = %s ORDER BY ordinal_position"
    )
    return connection.execute(query, [table]).fetchall()


def faults(connection: psycopg.Connection[Any]) -> Iterator[Fault]:
    """Every value of the ten tables that cannot be loaded."""
    for table, key in KEYS.items():
        types = dict(column_types(connection, table))
        for row in texts(connection, table):
            for column, value in row.items():
                code = None
                if value is None:
                    continue
                if types[column] in ("timestamp", "timestamptz"):
                    code = None if MOMENT.fullmatch(value) else "not_date"
                elif f"{table}.{column}" in JSON_COLUMNS:
                    code = json_code(value, *JSON_COLUMNS[f"{table}.{column}"])
                if code:
                    yield table, tuple(str(row[name]) for name in key), column, code


def delete_rows(connection: psycopg.Connection[Any], rows: Iterable[tuple[str, tuple[str, ...]]]) -> None:
    """Delete rows by table and key; those that are not there are no error."""
    keys: dict[str, list[list[str]]] = {}
    for table, key in rows:
        keys.setdefault(table, []).append(list(key))
    for table, bad in keys.items():
        columns = ", ".join(f"{name}::text" for name in KEYS[table])
        places = ", ".join("%s" for _ in bad)
        connection.execute(f"DELETE FROM {table} WHERE ARRAY[{columns}] IN ({places})", bad)


def json_code(value: str, shape: type | None, required: bool) -> str | None:
    """Why a JSON text cannot be loaded, or None."""
    if value == "" and not required:
        return None
    if len(value) > 16 * 2**20:
        return "too_large"
    try:
        parsed = json.loads(value, object_pairs_hook=_object, parse_constant=_refuse)
    except ValueError:
        return "bad_json"
    if parsed is None:
        return "null_value" if required else None
    return _content_code(parsed) or (None if shape is None or isinstance(parsed, shape) else "json_shape")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _refuse(word: str) -> None:
    raise ValueError(word)


def _content_code(value: Any) -> str | None:
    level, depth = [value], 0
    while level:
        depth += any(isinstance(node, dict | list) for node in level)
        if depth > 100:
            return "json_depth"
        below: list[Any] = []
        for node in level:
            if isinstance(node, dict):
                if any("\0" in key for key in node):
                    return "nul_in_key"
                below += [*node, *node.values()]
            elif isinstance(node, list):
                below += node
            elif code := _scalar_code(node):
                return code
        level = below
    return None


def _scalar_code(value: Any) -> str | None:
    if isinstance(value, str):
        return "lone_surrogate" if re.search("[\ud800-\udfff]", value) else None
    if isinstance(value, float):
        return "json_number" if math.isinf(value) else None
    return None if value is None or -(2**63) <= value < 2**63 else "json_number"
