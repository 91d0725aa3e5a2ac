"""A second mapping of the rows of Infrastructure Atlas to documents, to hold against the pipeline's own.

What belongs here: the shortest reading of the facts, value by value, with nothing but the standard library and BSON.
What does not: code of the pipeline, speed, and rows that cannot become documents; those raise.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import Int64

from atlas_pipeline_tests.catalogs.facts_infrastructure_atlas import FACTS


def plain_documents(database: sqlite3.Connection, collection: str) -> Iterator[dict[str, Any]]:
    """The document of every row of a collection's table, in no order.

    Args:
        database: The source file.
        collection: A name in FACTS.

    Raises:
        ValueError: A value is not what the facts promise.
    """
    source = FACTS[collection]["source"]
    ((key,),) = database.execute("SELECT name FROM pragma_table_info(?) WHERE pk > 0", (source,))
    cursor = database.execute(f"SELECT * FROM {source}")
    names = [column[0] for column in cursor.description]
    for values in cursor:
        row = dict(zip(names, values, strict=True))
        document = {}
        for field, kind in FACTS[collection]["fields"]:
            value = row[key if field == "_id" else field]
            if (collection, field) == ("playground_usage", "user_id") and isinstance(value, int):
                value = _user_with_number(database, value)
            document[field] = plain_value(value, kind)
        yield document


def plain_value(value: Any, kind: str) -> Any:
    """One value as the kind of FACTS says. Raises ValueError when it is of another kind."""
    kind, _, null = kind.partition("|")
    if kind in ("object", "array") and isinstance(value, str):
        value = _json(json.loads(value))
    if value is None and null:
        return None
    if kind in ("string", "object", "array"):
        return _of_type({"string": str, "object": dict, "array": list}[kind], value)
    if kind == "int":
        return _integer(_of_type(int, value))
    if kind == "double":
        return _of_type(float, value)
    if kind == "bool":
        return [False, True][["0", "1"].index(str(value))]
    if kind == "date":
        return _date(_of_type(str, value))
    raise ValueError(f"unknown kind {kind}")


def _of_type(wanted: type, value: Any) -> Any:
    if type(value) is not wanted:
        raise ValueError(f"{type(value).__name__} instead of {wanted.__name__}")
    return value


def _integer(number: int) -> int:
    return number if -(2**31) <= number < 2**31 else Int64(number)


def _date(text: str) -> datetime:
    whole, _, fraction = text.partition(".")
    moment = datetime.strptime(whole, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    return moment + timedelta(milliseconds=int((fraction + "000")[:3]))


def _json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json(value[key]) for key in sorted(value)}
    if isinstance(value, list):
        return [_json(part) for part in value]
    return _integer(value) if type(value) is int else value


def _user_with_number(database: sqlite3.Connection, number: int) -> str:
    """The id that the source has turned into this number, or its digits when no user has such an id."""
    ids = [user for (user,) in database.execute("SELECT id FROM users") if user.isdigit() and int(user) == number]
    if len(ids) > 1:
        raise ValueError(f"{len(ids)} users have this number")
    return ids[0] if ids else str(number)
