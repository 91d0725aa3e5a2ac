"""One source table and its collection: the only place where a table is described; all else is derived from it.

What belongs here: TableSpec with its references and sync policy, and the checks that make a wrong spec fail at import.
What does not: anything that needs a server or a file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.columns import KEY_TYPES, ColumnSpec, ValueType
from atlas_pipeline.spec.document import FieldSpec, Leaf, flat_document, leaves_of
from atlas_pipeline.spec.document_checks import check_field, lost_columns
from atlas_pipeline.spec.expressions import Expression, Tenant, columns_of
from atlas_pipeline.spec.indexes import IndexSpec
from atlas_pipeline.spec.storage import Embedding, ShardKey, Storage, TimeSeries, check_shard_key
from atlas_pipeline.spec.sync import DELETED_AT, SyncPolicy


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
        source: Table or view in the source; `schema.name` outside the default schema.
        collection: Collection name in the target database.
        key: Primary key columns in key order. One column becomes `_id` as a scalar, several a sub-document.
        columns: All columns to move.
        ignored: Columns of the source that are left out on purpose, also when they appear later.
        document: Fields of the document beside `_id`, in order. Unless given, one per column, in the columns' order.
        indexes: All secondary indexes of the collection.
        references: Soft and hard references, checked over the whole table.
        keep_key: Whether the key columns are also kept as fields of their own, where `document` does not say it.
        storage: `plain`, or `time_series` with the options of `time_series`.
        time_series: Options of the time-series collection, kept when `storage` is `plain`.
        embedding: A vector per document, beside the canonical document.
        shard_key: How a sharded cluster spreads the documents; None to leave them together. Other servers ignore it.
        sync: How the collection follows the table.
        changed_at: Column that holds when the row last changed, if the application keeps one for every change. Rows
            that changed after the last sync are told from wrong ones by it.
        about: What the table holds.
    """

    source: str
    collection: str
    key: tuple[str, ...]
    columns: tuple[ColumnSpec, ...]
    ignored: tuple[str, ...] = ()
    document: tuple[FieldSpec, ...] = ()
    indexes: tuple[IndexSpec, ...] = ()
    references: tuple[Reference, ...] = ()
    keep_key: bool = False
    storage: Storage = "plain"
    time_series: TimeSeries | None = None
    embedding: Embedding | None = None
    shard_key: ShardKey | None = field(default=None, repr=False)
    sync: SyncPolicy = field(default_factory=SyncPolicy)
    changed_at: str = ""
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
        _refuse_repeats(f"{where}: column", (*(column.name for column in self.columns), *self.ignored))
        _refuse_repeats(f"{where}: index", (index.name for index in self.indexes))
        self._check_key(where)
        if not self.document:
            moved = (column for column in self.columns if not column.refused)
            kept = tuple(column for column in moved if self.keep_key or column.name not in self.key)
            object.__setattr__(self, "document", flat_document(kept))
        self._check_document(where)
        if not self.has_tenant:  # else the catalog checks the rest, when it has put its rule in
            self._check_indexes(where)
            self._check_storage(where)
        self._check_moments(where)
        self.sync.check_ranges(where, self.storage, self.key_columns)
        for reference in self.references:
            if self._column_or_fail(reference.column, f"{where}: a reference").secret:
                raise SpecError(
                    f"{where}: reference of secret column {reference.column}.", "orphans are named in reports; drop it"
                )
            if not reference.targets:
                raise SpecError(f"{where}: reference of {reference.column} has no target.", "name (table, column)")

    def _check_document(self, where: str) -> None:
        paths = [one.path for one in self.document]
        _refuse_repeats(f"{where}: field", paths)
        columns = {column.name: column for column in self.columns}
        for one in self.document:
            one.check(where)
            for name in columns_of(one.source):
                self._column_or_fail(name, f"{where}: field {one.path}")
            check_field(one, columns, f"{where}: field {one.path}")
            inside = [other for other in paths if other.startswith(f"{one.path}.")]
            if inside:
                raise SpecError(f"{where}: field {one.path} is a value and holds {inside[0]}.", "rename one of them")
        lost = lost_columns(self.document, self.key, columns)
        if lost and not self.has_tenant:
            raise SpecError(
                f"{where}: column {', '.join(lost)} goes nowhere: no field holds its values.",
                "put it into a field of its own, or leave it out",
            )

    def _check_storage(self, where: str) -> None:
        if self.embedding is not None:
            self.embedding.check(where)
            for name in (*self.embedding.columns, *self.embedding.objects):
                self._column_or_fail(name, f"{where}: the embedding")
        if self.storage == "plain":
            return
        if self.storage != "time_series" or self.time_series is None:
            raise SpecError(
                f"{where}: storage {self.storage!r} without its options.", "use plain, or give time_series="
            )
        time = [leaf for leaf in self.leaves if leaf.path == self.time_series.time_field]
        if not time or time[0].value is not ValueType.DATETIME or time[0].bson_types != ("date",):
            raise SpecError(
                f"{where}: time field {self.time_series.time_field} is no moment that is always there.",
                "name a field made from a column that is not null",
            )
        cursor = self.sync.cursor
        if cursor is not None and time[0].columns != (cursor.column,):
            raise SpecError(
                f"{where}: cursor {cursor.column} of a time series is not its time, {' or '.join(time[0].columns)}.",
                "let the cursor be the column of the time field, or use mode='reconcile'",
            )
        if self.time_series.meta_field not in {leaf.path.split(".")[0] for leaf in self.leaves} - {time[0].path}:
            raise SpecError(
                f"{where}: meta field {self.time_series.meta_field} is no field beside the time.",
                "name the top-level field by which the server is to group documents",
            )
        if unique := [index.name for index in self.indexes if index.unique]:
            raise SpecError(f"{where}: unique index {unique[0]} on a time series.", "no server builds one; drop unique")
        if sparse := [index.name for index in self.indexes if index.sparse]:
            raise SpecError(f"{where}: sparse index {sparse[0]} on a time series.", "no server builds one; drop sparse")
        if self.embedding is not None:
            raise SpecError(
                f"{where}: an embedding on a time series.", "its fields come back in another order; use storage='plain'"
            )
        if self.sync.values == "before_publish":
            raise SpecError(
                f"{where}: values of a time series before it is published.",
                "it is changed in place, and proven then; use report or block",
            )
        if self.sync.foreign_documents == "keep":
            raise SpecError(
                f"{where}: foreign documents of a time series cannot be kept.",
                "the server deletes by meta value, whoever wrote them; use refuse or delete",
            )

    def _check_indexes(self, where: str) -> None:
        check_shard_key(self.shard_key, where, storage=self.storage, indexes=self.indexes)
        _refuse_repeats(f"{where}: an index on", (f"{index.keys} {index.options()}" for index in self.indexes))
        for index in self.indexes:
            for name in index.fields:
                if name not in self.fields:
                    raise SpecError(
                        f"{where}: index {index.name} names unknown field {name}.",
                        f"use one of: {', '.join(self.fields)}",
                    )
                if index.unique and name in self.secret_paths:
                    raise SpecError(
                        f"{where}: unique index {index.name} on secret field {name}.",
                        "the server names duplicates in its errors; index another field",
                    )

    def _check_key(self, where: str) -> None:
        if not self.key:
            raise SpecError(f"{where} has no key.", "name its primary key columns with key=")
        if len(self.key) > 1:
            _refuse_repeats(f"{where}: key field", (self.column(name).field for name in self.key))
        for name in self.key:
            column = self._column_or_fail(name, f"{where}: the key")
            if column.value not in KEY_TYPES:
                raise SpecError(
                    f"{where}: key column {name} is {column.value}, which does not map one to one or makes no _id.",
                    f"use a key of {' or '.join(sorted(KEY_TYPES))}",
                )
            if column.inexact != "refuse":
                raise SpecError(
                    f"{where}: key column {name} has inexact={column.inexact!r}, by which two keys can become one.",
                    "drop inexact=, or read the key as text",
                )
            if column.nullable:
                raise SpecError(f"{where}: key column {name} is nullable.", "a key cannot be null")
            if column.secret:
                raise SpecError(f"{where}: key column {name} is secret.", "keys are named in reports; use another key")

    def _check_moments(self, where: str) -> None:
        cursor = self.sync.cursor
        for role, name in (("changed_at", self.changed_at), ("the sync's cursor", cursor.column if cursor else "")):
            if not name:
                continue
            column = self._column_or_fail(name, f"{where}: {role}")
            if column.value is not ValueType.DATETIME or column.or_text or column.secret:
                raise SpecError(
                    f"{where}: {role}={column.name} is a {column.value}, or may be a text, or secret.",
                    "name a column of moments, or leave it out",
                )
        if self.storage == "time_series" and self.sync.mode == "watermark":
            raise SpecError(f"{where}: a time series by watermark.", "its documents have no keys; use append")
        if self.sync.deletes == "soft":
            if unique := [index.name for index in self.indexes if index.unique]:
                raise SpecError(
                    f"{where}: soft deletes with the unique index {unique[0]}.",
                    "a deleted document would keep its value from a new row; delete hard, or drop the index",
                )
            if self.storage == "time_series" or self.embedding is not None or DELETED_AT in self.fields:
                raise SpecError(
                    f"{where}: soft deletes of a time series, of documents with vectors or with a field {DELETED_AT}.",
                    "delete hard, or rename the field",
                )

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
    def key_columns(self) -> tuple[ColumnSpec, ...]:
        return tuple(self.column(name) for name in self.key)

    @cached_property
    def leaves(self) -> tuple[Leaf, ...]:
        """All places of the canonical document that hold a value, `_id` apart, in order."""
        columns = {column.name: column for column in self.columns}
        return tuple(leaf for one in self.document for leaf in leaves_of(one, columns))

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Paths of all leaves in order, `_id` first."""
        return ("_id", *(leaf.path for leaf in self.leaves))

    @cached_property
    def secret_paths(self) -> frozenset[str]:
        return frozenset(leaf.path for leaf in self.leaves if leaf.secret)

    @property
    def has_tenant(self) -> bool:
        """Whether a field still waits for the catalog's rule for tenants."""
        return any(isinstance(one.source, Tenant) for one in self.document)

    def with_tenant(self, source: Expression) -> TableSpec:
        """This table with the tenant made in that way."""
        document = tuple(
            replace(one, source=source) if isinstance(one.source, Tenant) else one for one in self.document
        )
        return replace(self, document=document)

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits that change whenever the spec does."""
        shards = f", sharded by {self.shard_key}" if self.shard_key else ""
        return hashlib.blake2b(f"{self!r}{shards}".encode(), digest_size=8).hexdigest()


def _refuse_repeats(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise SpecError(f"{what} {name} is listed twice.", "remove or rename one")
        seen.add(name)
