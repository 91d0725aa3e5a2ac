"""One source table and its collection: the only place where a table is described; all else is derived from it.

What belongs here: TableSpec with its references and sync policy, and the checks that make a wrong spec fail at import.
What does not: anything that needs a server or a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.columns import KEY_TYPES, ColumnSpec
from atlas_pipeline.spec.indexes import IndexSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorBudget:
    """How many rows of a table may be quarantined before the run counts as failed. Both bounds must hold.

    Attributes:
        rows: Largest number of rows.
        percent: Largest share of the source rows, in percent.
    """

    rows: int = 0
    percent: float = 100.0

    def __post_init__(self) -> None:
        if self.rows < 0 or not 0 <= self.percent <= 100:
            raise SpecError(
                f"Error budget {self.rows} rows, {self.percent} % is out of range.", "use rows >= 0, 0 to 100 %"
            )

    def __str__(self) -> str:
        return f"{self.rows:,} rows" + (f" and {self.percent:g} %" if self.percent < 100 else "")

    def exceeded(self, *, quarantined: int, source_rows: int) -> bool:
        return quarantined > self.rows or quarantined * 100 > self.percent * source_rows


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncPolicy:
    """How a collection follows its table.

    Attributes:
        mode: `reload`: read the whole table into a staging collection and swap it in.
        foreign_documents: What happens to live documents that this pipeline never loaded: `refuse` stops the swap and
            lists them, `keep` carries them over, `delete` lets the swap remove them.
        error_budget: Rows that may be quarantined before the run fails.
        max_shrink_percent: Largest share of its documents that a collection may lose by one reload, in percent. A
            source that was emptied, or is the wrong one, is refused rather than published; `--force` publishes it.
    """

    mode: Literal["reload"] = "reload"
    foreign_documents: Literal["refuse", "keep", "delete"] = "refuse"
    error_budget: ErrorBudget = field(default_factory=ErrorBudget)
    max_shrink_percent: float = 80.0

    def __post_init__(self) -> None:
        if self.mode != "reload":
            raise SpecError(f"Sync mode {self.mode!r} is not known.", "use 'reload'")
        if self.foreign_documents not in ("refuse", "keep", "delete"):
            raise SpecError(
                f"Policy {self.foreign_documents!r} for foreign documents is not known.", "use refuse, keep or delete"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """A column whose values name rows elsewhere in the source.

    Attributes:
        column: The referring column.
        targets: `(table, column)` pairs; a value is an orphan when it is found in none of them. NULL refers to nothing.
        enforced: Whether the source declares it as a foreign key.
        about: When dangling values are normal, why.
    """

    column: str
    targets: tuple[tuple[str, str], ...]
    enforced: bool = False
    about: str = ""


@dataclass(frozen=True, kw_only=True)
class TableSpec:
    """One source table and the collection that it becomes.

    Attributes:
        source: Table name in the source.
        collection: Collection name in the target database.
        key: Primary key columns in key order. One column becomes `_id` as a scalar, several a sub-document.
        columns: All columns to move, in the order of the document's fields.
        indexes: All secondary indexes of the collection.
        references: Soft and hard references, checked over the whole table.
        keep_key: Whether the key columns are also kept as fields of their own.
        sync: How the collection follows the table.
        about: What the table holds.
    """

    source: str
    collection: str
    key: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]
    indexes: tuple[IndexSpec, ...] = ()
    references: tuple[Reference, ...] = ()
    keep_key: bool = False
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    about: str = ""

    def __post_init__(self) -> None:
        where = f"Table {self.source or '?'}"
        if not self.source or not self.collection:
            raise SpecError(f"{where}: source or collection has no name.", "name both")
        if "$" in self.collection or self.collection.startswith("system.") or "__staging_" in self.collection:
            raise SpecError(f"{where}: collection name {self.collection!r} is reserved.", "choose another name")
        for column in self.columns:
            column.check(where)
        for index in self.indexes:
            index.check(where)
        _refuse_repeats(f"{where}: column", (column.name for column in self.columns))
        _refuse_repeats(f"{where}: field", (column.field for column in self.columns))
        _refuse_repeats(f"{where}: index", (index.name for index in self.indexes))
        self._check_key(where)
        self._check_indexes(where)
        for reference in self.references:
            if self._column_or_fail(reference.column, f"{where}: a reference").secret:
                raise SpecError(
                    f"{where}: reference of secret column {reference.column}.", "orphans are named in reports; drop it"
                )
            if not reference.targets:
                raise SpecError(f"{where}: reference of {reference.column} has no target.", "name (table, column)")

    def _check_indexes(self, where: str) -> None:
        _refuse_repeats(f"{where}: an index on", (f"{index.keys} {index.options()}" for index in self.indexes))
        for index in self.indexes:
            for name in index.fields:
                if name not in self.fields:
                    raise SpecError(
                        f"{where}: index {index.name} names unknown field {name}.",
                        f"use one of: {', '.join(self.fields)}",
                    )
                if index.unique and name in self.secret_fields:
                    raise SpecError(
                        f"{where}: unique index {index.name} on secret field {name}.",
                        "the server names duplicates in its errors; index another field",
                    )

    def _check_key(self, where: str) -> None:
        if not self.key:
            raise SpecError(f"{where} has no key.", "name its primary key columns with key=")
        for name in self.key:
            column = self._column_or_fail(name, f"{where}: the key")
            if column.value not in KEY_TYPES:
                raise SpecError(
                    f"{where}: key column {name} is {column.value}, which does not map one to one or keep order.",
                    f"use a key of {' or '.join(sorted(KEY_TYPES))}",
                )
            if column.nullable:
                raise SpecError(f"{where}: key column {name} is nullable.", "a key cannot be null")
            if column.secret:
                raise SpecError(f"{where}: key column {name} is secret.", "keys are named in reports; use another key")
        if any(column.field == "_id" for column in self.columns):
            raise SpecError(f"{where}: a column claims the field _id.", "_id is made from key=; rename the field")

    def _column_or_fail(self, name: str, who: str) -> ColumnSpec:
        for column in self.columns:
            if column.name == name:
                return column
        known = ", ".join(column.name for column in self.columns)
        raise SpecError(f"{who} names column {name}, which the table does not have.", f"use one of: {known}")

    def column(self, name: str) -> ColumnSpec:
        """The column of that name in the source. Raises SpecError for an unknown one."""
        return self._column_or_fail(name, f"Table {self.source}: a caller")

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @cached_property
    def body_columns(self) -> tuple[ColumnSpec, ...]:
        """Columns that become fields beside `_id`, in order."""
        return tuple(column for column in self.columns if self.keep_key or column.name not in self.key)

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """All field names of a document, in order, `_id` first."""
        return ("_id", *(column.field for column in self.body_columns))

    @cached_property
    def key_columns(self) -> tuple[ColumnSpec, ...]:
        return tuple(self.column(name) for name in self.key)

    @cached_property
    def secret_fields(self) -> frozenset[str]:
        return frozenset(column.field for column in self.columns if column.secret)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change whenever the spec does."""
        return hashlib.blake2b(repr(self).encode(), digest_size=8).hexdigest()


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SpecError(f"{what} {name} is listed twice.", "remove or rename one")
        seen.add(name)
