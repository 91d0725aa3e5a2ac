"""What the rest of the pipeline may ask of a source: one consistent view of it, whatever its dialect.

Rows, counts, samples and checks of a run all come from the same snapshot, so they must agree. What does not belong
here: how a dialect makes such a view (`sqlite_source.py`), and what rows mean.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.tables import Reference, TableSpec

Row = tuple[Any, ...]


class Undecodable(bytes):
    """What Python cannot hold as the type that the source declares. Made by a reader, refused by the mapping.

    The bytes of a text that is not UTF-8, or in ASCII a moment outside the years 1 to 9999, such as `infinity`.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A contiguous stretch of keys.

    Attributes:
        first: The lowest key, or None where nothing bounds it. Rows without a whole key belong to such a stretch.
        before: The key before which it ends, or None.
    """

    first: Row | None = None
    before: Row | None = None


WHOLE_TABLE = Stretch()


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column as the source declares it.

    Attributes:
        name: Column name.
        sql_type: Declared type, spelled as specs spell it.
        nullable: Whether the source takes NULL.
        reads: Value types as which it can be read: none when no policy covers its type. None: the source enforces no
            types, each value is judged by itself.
        items: Value types as which the items of an array can be read.
        scaffold: The value type to choose for a new spec, ARRAY of the first of `items` included; None without policy.
    """

    name: str
    sql_type: str
    nullable: bool
    reads: frozenset[ValueType] | None = None
    items: tuple[ValueType, ...] = ()
    scaffold: ValueType | None = None

    def reads_as(self, column: ColumnSpec) -> bool:
        """Whether the values can be read as the spec wants them.

        As text every covered type can be read, where the spec says that it means this very type.
        """
        if self.reads is None:
            return True
        if column.value is ValueType.ARRAY:
            return ValueType.ARRAY in self.reads and column.items in self.items
        if column.value is ValueType.TEXT and self.sql_type.upper() in column.declared:
            return bool(self.reads)
        return column.value in self.reads


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


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceTime:
    """The source's own clock when the view was made.

    Attributes:
        now: Its time, in UTC.
        settled: No transaction that began before this moment can still commit something that the view lacks, as far as
            the source tells; a source that does not tell of transactions gives `now`.
        hidden: Sessions of which the source does not tell us.
    """

    now: datetime
    settled: datetime
    hidden: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Rows by a column of moments.

    Attributes:
        column: The column.
        since: From this moment on; None for all.
        until: Before this moment; None for all.
        nulls: Rows without a moment too.
    """

    column: str
    since: datetime | None = None
    until: datetime | None = None
    nulls: bool = False


class Snapshot(Protocol):
    """One consistent, read-only view of a source."""

    time: SourceTime
    """When the view was made."""

    description: str
    """How the view was made, for people."""

    batch_bytes: int
    """Bytes of a batch of rows, and so of what is on its way to the server at once."""

    size_bytes: int
    """Size of the source, as an upper bound of what one table of it can hold."""

    def tables(self) -> tuple[str, ...]:
        """Names of all tables of the source, as specs name them."""

    def columns(self, table: str) -> tuple[SourceColumn, ...]:
        """Columns of a source table in physical order; empty when there is no such table."""

    def primary_key(self, table: str) -> tuple[str, ...]:
        """Columns of a source table's primary key in key order; empty when there is none."""

    def count(self, table: TableSpec) -> int:
        """Rows of the table."""

    def batches(
        self,
        table: TableSpec,
        order: Sequence[str] = (),
        stretch: Stretch = WHOLE_TABLE,
        window: Window | None = None,
    ) -> Iterator[list[Row]]:
        """The rows of a stretch of keys, columns in the spec's order, in batches bounded by rows and bytes.

        Rows come in key order, or by the columns of `order` first and then by key. An optional column that the source
        lacks is None. Of a window only its rows come, and maybe some others as for `keys_in`.
        """

    def keys(self, table: TableSpec) -> Iterator[Row]:
        """All keys in key order."""

    def keys_apart(self, table: TableSpec, rows: int) -> Iterator[Row]:
        """The keys, in their order, before which so many rows are, and twice as many, and so on."""

    def rows_by_key(self, table: TableSpec, keys: Sequence[Row]) -> list[Row]:
        """The rows with these keys, in key order."""

    def keys_in(self, table: TableSpec, window: Window) -> Iterator[list[tuple[Row, Any]]]:
        """Key and moment, as it is read, of the rows in a window, in pages. Of a source that keeps moments as texts
        some others too, for their forms do not all order alike.
        """

    def is_indexed(self, table: TableSpec, column: str) -> bool:
        """Whether an index leads with this column, so that a window of it is found without reading the table."""

    def duplicate_keys(self, table: TableSpec) -> int:
        """Rows whose key another row has too."""

    def repeated_keys(self, table: TableSpec) -> Iterator[Row]:
        """The keys that more than one row has, each once, in key order."""

    def orphans(self, table: TableSpec, reference: Reference) -> Orphans:
        """Rows of the table whose reference resolves to nothing."""

    def lookup(self, table: str, key: str, value: str) -> Mapping[Any, Any]:
        """Text of `key` -> text of `value`, or None, of all rows of a small table that have a key.

        Raises:
            SourceError: Rows with the same key differ in their value.
        """

    def restorable_texts(self, table: str, column: str) -> Mapping[int, tuple[str, ...]]:
        """Number -> the texts of that column which the source turns into the number in a numeric column."""


class Source(Protocol):
    """A source that can be looked at."""

    description: str
    """Where it is, without credentials."""

    def snapshot(self, *, label: str = "") -> AbstractContextManager[Snapshot]:
        """Open one consistent view.

        Args:
            label: What the source's own tools should show of us, such as the run id.

        Raises:
            SourceError: The source cannot be read.
        """
