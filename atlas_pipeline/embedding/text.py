"""The text that a vector is computed from, and the hash that stands for it.

What belongs here: the recipe, applied to the canonical values of a row. What does not: which columns take part
(`atlas_pipeline.spec.storage`) and what becomes of the text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from atlas_pipeline.errors import SpecError
from atlas_pipeline.mapping.values import canonical_of
from atlas_pipeline.spec.columns import JSON_TYPES, ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec

JOINER = " | "
_TOLD = {ValueType.TEXT, ValueType.INTEGER, ValueType.DOUBLE, ValueType.DECIMAL, ValueType.BOOLEAN} | JSON_TYPES
_OBJECTS = {ValueType.JSON_OBJECT, ValueType.JSON}
Reader = tuple[str, int, Callable[[Any], Any]]
"""Label, position in the row, canonical function."""


class EmbeddingText:
    """Makes the texts of one table's rows. Stateless after construction.

    Args:
        table: A table with an embedding. Rows hold its columns in the spec's order.

    Raises:
        SpecError: The table has no embedding, or a column of it cannot be told as text or must not be.
    """

    def __init__(self, table: TableSpec) -> None:
        where = f"Table {table.source}"
        if table.embedding is None:
            raise SpecError(f"{where} has no embedding.", "give it embedding=")
        self._columns = [_reader(table, name, _TOLD, where) for name in table.embedding.columns]
        self._objects = [_reader(table, name, _OBJECTS, where) for name in table.embedding.objects]

    def texts(self, rows: Sequence[tuple[Any, ...]]) -> list[str]:
        """One text per row, in their order; "" where nothing of the row can be told.

        Raises:
            ValueRejectedError: A value is not canonical. Rows that were mapped never raise it.
        """
        return [self._text(row) for row in rows]

    def hashes(self, rows: Sequence[tuple[Any, ...]]) -> list[str]:
        """The hash of each row's text, in their order."""
        return [text_hash(text) for text in self.texts(rows)]

    def _text(self, row: tuple[Any, ...]) -> str:
        entries = [(label, canonical(row[position])) for label, position, canonical in self._columns]
        for _, position, canonical in self._objects:
            value = canonical(row[position])
            if isinstance(value, dict):
                entries += sorted(value.items(), key=_key)
        pieces = ((label, told(value)) for label, value in entries)
        return JOINER.join(f"{label}: {piece}" for label, piece in pieces if piece is not None)


def told(value: Any) -> str | None:
    """A canonical value in the text: numbers and booleans with two decimals; None for what is left out."""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float | Decimal):
        return f"{value:.2f}"
    return None


def text_hash(text: str) -> str:
    """Thirty-two hex digits that stand for a text."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def _key(entry: tuple[str, Any]) -> str:
    return entry[0]


def _reader(table: TableSpec, name: str, legal: set[ValueType], where: str) -> Reader:
    column = table.column(name)
    if column.secret:
        raise SpecError(
            f"{where}: the embedding reads secret column {name}.", "a vector tells of its text; leave it out"
        )
    if column.value not in legal or column.restored_from is not None:
        kind = f"{column.value}, restored from another table" if column.restored_from else column.value
        raise SpecError(
            f"{where}: the embedding reads column {name}, which is {kind}.", f"use {', '.join(sorted(legal))}"
        )
    return name, table.column_names.index(name), _canonical(column)


def _canonical(column: ColumnSpec) -> Callable[[Any], Any]:
    """The canonical value, NULL and its stand-ins included. Moments inside JSON stay the texts that they were."""
    function = canonical_of(column)
    default = json.loads(column.default) if column.default else None

    def convert(value: Any) -> Any:
        is_null = value is None or (column.empty_is_null and value == "")
        return default if is_null else function(value)

    return convert
