"""A table spec from the real table alone: a first spec for any database, to be read and refined by people.

What belongs here: what follows from the source's own schema. What does not: facts that only people know, such as
references that the source does not declare, secrets, indexes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from atlas_pipeline.errors import SourceError, SpecError
from atlas_pipeline.extract.snapshot import Snapshot, SourceColumn
from atlas_pipeline.spec.catalogs import nearest
from atlas_pipeline.spec.columns import KEY_TYPES, ColumnSpec, ValueType
from atlas_pipeline.spec.tables import TableSpec

_UNFIT = re.compile(r"\.|^\$")
"""What a column name may hold and a field name may not."""


def describe_table(
    snapshot: Snapshot, source: str, *, collection: str | None = None, key: Sequence[str] = ()
) -> TableSpec:
    """The flat spec of a source table: one field per column, each of the value type that suits its declared type.

    A key column whose type has no order in common with the target, such as a UUID or a date, is read as text.

    Args:
        snapshot: The source.
        source: Name of the table or view, as `snapshot.tables()` gives it.
        collection: Name of the collection. Unless given, that of the table, dots replaced.
        key: Key columns of a view, or of a table without a primary key.

    Raises:
        SourceError: There is no such table, or no policy covers the types of some columns; all are named.
        SpecError: The table has no key, or the spec would contradict itself.
    """
    columns = snapshot.columns(source)
    if not columns:
        known = snapshot.tables()
        raise SourceError(
            f"Table {source} is missing.", nearest(source, known) if known else "the source has no tables at all"
        )
    if unknown := [f"{column.name} ({column.sql_type})" for column in columns if column.scaffold is None]:
        raise SourceError(
            f"Table {source}: no policy covers the type of column {', '.join(unknown)}.",
            "read the table through a view that leaves them out or casts them",
        )
    key = tuple(key) or snapshot.primary_key(source)
    if not key:
        raise SpecError(f"Table {source} has no primary key.", "name the columns that tell its rows apart with key=")
    return TableSpec(
        source=source,
        collection=collection or source.replace(".", "_"),
        key=key,
        columns=tuple(_described(column, is_key=column.name in key) for column in columns),
    )


def _described(column: SourceColumn, *, is_key: bool) -> ColumnSpec:
    value = column.scaffold or ValueType.TEXT
    if is_key and value not in KEY_TYPES:
        value = ValueType.TEXT
    return ColumnSpec(
        name=column.name,
        sql_type=column.sql_type or "ANY",
        value=value,
        items=column.items[0] if value is ValueType.ARRAY else None,
        nullable=column.nullable and not is_key,
        field=column.name.replace(".", "_").replace("$", "_")
        if column.name.startswith("$") or "." in column.name
        else "",
    )
