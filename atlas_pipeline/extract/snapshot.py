"""What the rest of the pipeline may ask of a source: one consistent view of it, whatever its dialect.

Rows, counts, samples and checks of a run all come from the same snapshot, so they must agree. What does not belong
here: how a dialect makes such a view (`sqlite_source.py`), and what rows mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from atlas_pipeline.spec.tables import Reference, TableSpec

Row = tuple[Any, ...]


class Undecodable(bytes):
    """Bytes that the source declares as text and that are not UTF-8. Made by a reader, refused by the mapping."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column as the source declares it."""

    name: str
    sql_type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Orphans:
    """Rows whose reference resolves to nothing.

    Attributes:
        reference: Which reference.
        count: How many rows, over the whole table.
        examples: Up to 20 `(key, value)` pairs.
    """

    reference: Reference
    count: int
    examples: tuple[tuple[Row, Any], ...]


class Snapshot(Protocol):
    """One consistent, read-only view of a source."""

    description: str
    """How the view was made, for people."""

    size_bytes: int
    """Size of the source, as an upper bound of what one table of it can hold."""

    def tables(self) -> tuple[str, ...]:
        """Names of all tables of the source."""

    def columns(self, table: str) -> tuple[SourceColumn, ...]:
        """Columns of a source table in physical order; empty when there is no such table."""

    def count(self, table: TableSpec) -> int:
        """Rows of the table."""

    def batches(self, table: TableSpec) -> Iterator[list[Row]]:
        """All rows in key order, columns in the spec's order, in batches bounded by rows and bytes."""

    def keys(self, table: TableSpec) -> Iterator[Row]:
        """All keys in key order."""

    def rows_by_key(self, table: TableSpec, keys: Sequence[Row]) -> list[Row]:
        """The rows with these keys, in key order."""

    def duplicate_keys(self, table: TableSpec) -> int:
        """Rows whose key another row has too."""

    def orphans(self, table: TableSpec, reference: Reference) -> Orphans:
        """Rows of the table whose reference resolves to nothing."""

    def restorable_texts(self, table: str, column: str) -> Mapping[int, tuple[str, ...]]:
        """Number -> the texts of that column which the source turns into the number in a numeric column."""


class Source(Protocol):
    """A source that can be looked at."""

    description: str
    """Where it is, without credentials."""

    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Open one consistent view. Raises SourceError."""
