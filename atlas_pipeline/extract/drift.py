"""What has changed in the columns of a table since it was last synced, and the spec that goes on with it.

What belongs here: comparing columns, and table specs with columns that were new. What does not: asking a source
(`schema`), and what the ledger knows of the last sync (`atlas_pipeline.load.evolution`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from atlas_pipeline.extract.schema import both_shapes
from atlas_pipeline.extract.snapshot import SourceColumn
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.document import flat_document
from atlas_pipeline.spec.sync import DELETED_AT
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """How the columns of a table differ from what they were.

    Attributes:
        new: Columns that neither the spec knows nor the last sync saw; none before the first sync.
        broken: Sentences on columns that were moved and are gone, or are of another type now, with both shapes. Nothing
            is read before a person has looked at these, even where it could be.
    """

    new: tuple[SourceColumn, ...] = ()
    broken: tuple[str, ...] = ()


def compare(table: TableSpec, real: Sequence[SourceColumn], before: Mapping[str, str] | None) -> Drift:
    """Compare the columns of a table, which can all be read, with those of its last sync. What the spec declares is
    never a drift.

    Args:
        table: The spec, with the columns that joined it since.
        real: Columns of the source table now.
        before: Name -> declared type of the columns that the last sync accepted; None before the first one.
    """
    if before is None:
        return Drift()
    now = {column.name: column for column in real}
    moved = [column for column in table.columns if not column.refused and column.name in before]
    dropped = [column.name for column in moved if column.name not in now]
    retyped = [
        column.name
        for column in moved
        if column.name in now
        and now[column.name].sql_type != before[column.name]
        and now[column.name].sql_type.upper() not in column.declared
    ]
    broken = [f"Table {table.source}: column {', '.join(dropped)} was dropped since the last sync."] if dropped else []
    for name in retyped:
        was, became = before[name] or "no type", now[name].sql_type or "no type"
        broken.append(f"Table {table.source}: column {name} was {was} at the last sync and is {became} now.")
    if broken:
        broken.append(both_shapes(table, real, [*dropped, *retyped]))
    known = {*before, *(column.name for column in table.columns if not column.refused), *table.ignored}
    return Drift(new=tuple(column for column in real if column.name not in known), broken=tuple(broken))


def declared(columns: Iterable[SourceColumn]) -> str:
    """The columns as a source declares them, for people."""
    return ", ".join(
        f"{one.name} {one.sql_type or 'of no type'}{'' if one.nullable else ' NOT NULL'}" for one in columns
    )


def why_not_added(table: TableSpec, column: SourceColumn) -> str | None:
    """Why a new column cannot join the documents under its own name, or None when it can."""
    if not column.nullable:
        return f"{column.name} {column.sql_type} is NOT NULL, and only a column that may be NULL joins by itself"
    if column.scaffold is None:
        return f"{column.name} is {column.sql_type}, and no policy covers that"
    if "." in column.name or column.name.startswith("$"):
        return f"{column.name!r} is no field name"
    taken = {leaf.path.split(".")[0] for leaf in table.leaves} | {"_id"}
    if table.embedding is not None:
        taken |= {table.embedding.path, table.embedding.info_path}
    if table.sync.deletes == "soft":
        taken.add(DELETED_AT)
    if clash := taken & {one.path for one in flat_document((joining(column),))}:
        return f"{column.name} would be field {', '.join(sorted(clash))}, which the document has already"
    return None


def joining(column: SourceColumn) -> ColumnSpec:
    """How a new column is moved: by the type that suits its declared one, and so that nothing of a moment is lost.

    Nobody has said yet that its values may be shown, so they are not.
    """
    value = column.scaffold or ValueType.TEXT
    return ColumnSpec(
        name=column.name,
        sql_type=column.sql_type or "ANY",
        value=value,
        items=column.items[0] if value is ValueType.ARRAY else None,
        inexact="microseconds" if value is ValueType.DATETIME else "refuse",
        nullable=True,
        secret=True,
        about="Joined by itself when it appeared at the source.",
    )


def refused(column: SourceColumn) -> ColumnSpec:
    """How a new column is read that has no place in the document."""
    return ColumnSpec(
        name=column.name,
        sql_type=column.sql_type or "ANY",
        value=ValueType.TEXT,
        nullable=True,
        secret=True,
        refused=True,
        about="Appeared at the source. Rows that have a value there go to the quarantine.",
    )


def extended(table: TableSpec, columns: Sequence[ColumnSpec]) -> TableSpec:
    """The table with further columns, each behind all others, and a field of their own for those that are not refused.

    Columns that the spec knows by now, or says that it leaves out, are not among them.
    """
    known = {*table.column_names, *table.ignored}
    further = tuple(column for column in columns if column.name not in known)
    if not further:
        return table
    fields = flat_document(tuple(column for column in further if not column.refused))
    return replace(table, columns=(*table.columns, *further), document=(*table.document, *fields))
