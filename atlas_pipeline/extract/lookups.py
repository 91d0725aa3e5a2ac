"""Small tables as mappings, for joins: from rows of a key and a value to one value per key."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from atlas_pipeline.errors import SourceError


def one_value_per_key(rows: Iterable[tuple[Any, Any]], *, table: str, key: str, value: str) -> Mapping[Any, Any]:
    """Key -> value. Raises SourceError, which names no value, when a key has several."""
    found: dict[Any, Any] = {}
    for one, text in rows:
        if found.setdefault(one, text) != text:
            raise SourceError(
                f"Table {table}: rows with the same {key} differ in {value}, so the one to join is not known.",
                f"join by a column that names one row of {table}",
            )
    return found
