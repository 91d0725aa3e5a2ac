"""A plain reading of a source file, row by row, that says which values cannot be loaded and why.

What belongs here: the rules of the source, written down a second time and sharing no code with the sample or the
pipeline. What does not: tests.
"""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from atlas_pipeline_tests.local.sample_schema import EXPECTED_SCHEMA

# Column, and what its JSON must be; {} and [] stand for an object and an array.
JSON_SHAPES: dict[str, type] = {
    "role_permissions.permissions": list,
    "chat_sessions.context_variables": dict,
    "chat_messages.metadata_json": dict,
    "playground_usage.tool_calls": list,
    "playground_sessions.state": dict,
    "playground_sessions.config_override": dict,
    "playground_sessions.messages": list,
    "bot_webhook_configs.extra_config": dict,
    "bot_messages.tool_calls": list,
}
CATALOG = list(EXPECTED_SCHEMA)[:18]
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{6})?")
Fault = tuple[str, Any, str, str]  # table, key, column, code


def columns_of(table: str) -> list[tuple[str, str, bool, str | None]]:
    """Name, declared type, NULL refused, default: as expected, in physical order."""
    entries = [entry.strip() for entry in EXPECTED_SCHEMA[table].strip().split(";")]
    found = []
    for entry in entries:
        match = re.fullmatch(r"(\w+) ([A-Z]+(?:\(\d+\))?)(!?)(?: = (.+))?", entry)
        if match:
            found.append((match[1], match[2], match[3] == "!", match[4]))
    return found


def connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def faults(path: Path) -> Iterator[Fault]:
    """Every value of the 18 tables that cannot be loaded."""
    database = connect(path)
    database.text_factory = bytes
    for table in CATALOG:
        columns = columns_of(table)
        names = [name for name, *_ in columns]
        selected = ", ".join(f"{name}, typeof({name})" for name in names)
        for row in database.execute(f"SELECT {selected} FROM {table}"):
            key = row[0].decode() if isinstance(row[0], bytes) else row[0]
            for position, (name, declared, required, _) in enumerate(columns):
                value, stored = row[2 * position], row[2 * position + 1].decode()
                code = _code(f"{table}.{name}", declared, required, value, stored)
                if code:
                    yield table, key, name, code
    yield from _duplicates(database)


def _duplicates(database: sqlite3.Connection) -> Iterator[Fault]:
    query = "SELECT id FROM users u WHERE EXISTS (SELECT 1 FROM users v WHERE v.username = u.username AND v.id < u.id)"
    for (key,) in database.execute(query):
        yield "users", key.decode(), "username", "duplicate_value"


def _code(column: str, declared: str, required: bool, value: Any, stored: str) -> str | None:
    if stored == "null":
        return "null_value" if required else None
    if column in JSON_SHAPES:
        return _json_code(value, stored, JSON_SHAPES[column], required)
    if column == "playground_usage.user_id":
        return None if stored in ("integer", "text") else "not_text"
    if declared == "INTEGER":
        return None if stored == "integer" else "not_integer"
    if declared == "FLOAT":
        return None if stored == "real" else "not_number"
    if declared == "BOOLEAN":
        return None if stored == "integer" and value in (0, 1) else "not_boolean"
    if declared == "DATETIME":
        return None if stored == "text" and _is_date(value.decode()) else "not_date"
    if stored != "text":
        return "not_text"
    return None if _is_utf8(value) else "not_utf8"


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_date(text: str) -> bool:
    if not DATE.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _json_code(value: Any, stored: str, shape: type, required: bool) -> str | None:
    if stored != "text":
        return "json_shape"
    if len(value) > 16 * 2**20:
        return "too_large"
    try:
        parsed = json.loads(value.decode(), object_pairs_hook=_object, parse_constant=_refuse)
    except ValueError:
        return "bad_json"
    if parsed is None:
        return "null_value" if required else None
    return _content_code(parsed, 1) or (None if isinstance(parsed, shape) else "json_shape")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a key twice")
    return dict(pairs)


def _refuse(word: str) -> None:
    raise ValueError(word)


def _content_code(value: Any, depth: int) -> str | None:
    if isinstance(value, dict | list) and depth > 100:
        return "json_depth"
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return "json_number"
    if isinstance(value, str) and any(0xD800 <= ord(letter) < 0xE000 for letter in value):
        return "lone_surrogate"
    if isinstance(value, dict) and any("\0" in key for key in value):
        return "nul_in_key"
    parts = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
    return next((code for part in parts if (code := _content_code(part, depth + 1))), None)
