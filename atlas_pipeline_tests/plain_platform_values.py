"""Rows and single values of the second mapping of the investigation platform: JSON, moments, numbers, words.

What belongs here: what docs/investigation_platform.md says of all tables. What does not: single tables
(`plain_platform`), and code of the pipeline.

A row is a dict of column to value as `plain_rows` reads it: texts, integers and booleans as the driver gives them, ids
of any type as text, JSON of any type as text, REAL widened to a double, moments as the text of their microseconds since
1970 in UTC.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

Row = dict[str, Any]
DEEPEST = 100  # levels of nesting of a JSON value
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HALF = re.compile("[\ud800-\udfff]")
ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(?::(\d\d)(?:\.(\d{1,3})0{0,3})?)?(?:Z|([+-])(\d\d):?(\d\d))?", re.ASCII
)
ACTIONS = {
    "CREATED": "CREATE",
    "UPDATED": "UPDATE", "PROGRESS": "UPDATE", "DOMAIN_FINDINGS": "UPDATE",
    "DELETED": "DELETE",
    "EXECUTED": "EXECUTE", "TOOL_EXECUTION": "EXECUTE",
    "PHASE_CHANGE": "STATE_CHANGE", "STARTED": "STATE_CHANGE", "COMPLETED": "STATE_CHANGE", "ERROR": "STATE_CHANGE",
    "CANCELLED": "STATE_CHANGE",
}  # fmt: skip


class RefusedError(Exception):
    """The row must not become a document."""


def plain_rows(connection: Any, source: str) -> Iterator[Row]:
    """All rows of a table, in no order, over a psycopg connection."""
    columns = connection.execute(
        "SELECT column_name, udt_name FROM information_schema.columns WHERE table_name = %s", [source]
    ).fetchall()
    moment = "trunc(extract(epoch FROM {}) * 1000000)::text"
    form = {"uuid": "{}::text", "json": "{}::text", "jsonb": "{}::text", "float4": "{}::float8"}
    form |= {"timestamp": moment, "timestamptz": moment}
    selected = ", ".join(form.get(kind, "{}").format(f'"{name}"') for name, kind in columns)
    for values in connection.execute(f"SELECT {selected} FROM {source}"):
        yield dict(zip((name for name, _ in columns), values, strict=True))


def date(text: str) -> datetime:
    """Microseconds since 1970 as a date of milliseconds."""
    try:
        return EPOCH + timedelta(milliseconds=int(text) // 1000)
    except (ValueError, OverflowError):
        raise RefusedError("no moment of the years 1 to 9999") from None


def date_or_null(text: str | None) -> datetime | None:
    return None if text is None else date(text)


def milliseconds(start: str | None, end: str | None) -> int | None:
    if start is None or end is None or int(end) < int(start):
        return None
    return (int(end) - int(start)) // 1000


def lasts(start: str, end: str, unit: int) -> float | None:
    return None if int(end) < int(start) else (int(end) - int(start)) / unit


def json_of(text: str | None, kind: type | None = None) -> Any:
    """JSON text as BSON is to hold it; None for NULL, an empty text and `null`."""
    if not text:
        return None
    try:
        value = _checked(json.loads(text, object_pairs_hook=_Pairs), 1)
    except (json.JSONDecodeError, RecursionError):
        raise RefusedError("not JSON") from None
    if value is not None and kind is not None and not isinstance(value, kind):
        raise RefusedError("another kind of JSON")
    return value


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object as they are written."""


def _checked(value: Any, level: int) -> Any:
    if isinstance(value, list) and level > DEEPEST:
        raise RefusedError("too deep")
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        if len(set(names)) < len(names) or any("\0" in name for name in names):
            raise RefusedError("a key twice, or with NUL")
        return {_checked(name, level): _checked(part, level + 1) for name, part in sorted(value, key=itemgetter(0))}
    if isinstance(value, list):
        return [_checked(part, level + 1) for part in value]
    if isinstance(value, str) and HALF.search(value):
        raise RefusedError("half a character")
    if isinstance(value, float) and not math.isfinite(value):
        raise RefusedError("no finite double")
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise RefusedError("more than 64 bits")
    return value


def there(value: Any) -> Any:
    if value is None:
        raise RefusedError("null where a value must be")
    return value


def only(kind: type, value: Any) -> Any:
    return value if type(value) is kind else None


def number(value: Any) -> float | None:
    if type(value) is float:
        return value
    return float(value) if type(value) is int and abs(value) <= 2**53 else None


def moved(rest: dict[str, Any], key: str, kind: type, otherwise: Any) -> Any:
    return rest.pop(key) if type(rest.get(key)) is kind else otherwise


def moved_number(rest: dict[str, Any], key: str) -> float | None:
    return None if number(rest.get(key)) is None else number(rest.pop(key))


def of_entity(settings: dict[str, Any], key: str) -> str | None:
    entities = only(list, settings.get("entities")) or [None]
    first = only(dict, entities[0]) or {}
    found = only(str, settings.get(key))
    return only(str, first.get(key)) if found is None else found


def tags_of(text: str | None) -> list[str] | None:
    """Tags of a JSON array, or of a list with commas; None for NULL and for the JSON text `null`."""
    if text is None or text.strip() == "null":
        return None
    if not text.strip().startswith("["):
        return [tag.strip() for tag in text.split(",") if tag.strip()]
    tags: list[str] = json_of(text, list)
    if any(type(tag) is not str for tag in tags):
        raise RefusedError("a tag that is not text")
    return tags


def iso_date(text: str) -> datetime | None:
    """The date of a text that has day and time of day, or None where it is none or milliseconds cannot hold it."""
    found = ISO.fullmatch(text)
    if found is None:
        return None
    day, minute, second, fraction, sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    try:
        local = datetime.strptime(f"{day} {minute}:{second or '00'}", "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
        local += timedelta(milliseconds=int((fraction or "").ljust(3, "0")))
        return local - offset if abs(offset) < timedelta(days=1) and int(minutes or 0) < 60 else None
    except (ValueError, OverflowError):
        return None


def with_dates(value: Any) -> Any:
    if isinstance(value, list):
        return [with_dates(part) for part in value]
    if not isinstance(value, dict):
        return value
    dated = {name: part for name, part in value.items() if name in ("started_at", "completed_at")}
    return {
        name: (iso_date(part) or part) if name in dated and isinstance(part, str) else with_dates(part)
        for name, part in value.items()
    }


def as_is(row: Row, *names: str) -> dict[str, Any]:
    return {name: row[name] for name in names}


def dates(row: Row, *names: str) -> dict[str, Any]:
    return {name: date(row[name]) for name in names}
