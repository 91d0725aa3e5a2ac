"""The real schema of a source against what the specs say of it, before a row is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.snapshot import Snapshot, SourceColumn
from atlas_pipeline.spec.catalogs import nearest
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.tables import TableSpec

MISSING_CURE = "name the right source, or bring it to the schema that the catalog describes"
SHOWN = 20
"""Columns of each side that an error shows at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFindings:
    """Differences between one table spec and the real table.

    Attributes:
        table: Source table.
        missing: What the spec needs and the source lacks or has as something else; each a sentence. Nothing can be
            loaded with one of these.
        retyped: Columns declared with another type that can be read; their values are judged one by one.
        unknown: Columns of the source that the spec neither moves nor leaves out on purpose.
        evolved: Columns that joined the documents by themselves, by the policy `evolve`.
        refused: Columns for which rows go to the quarantine, by the policy `quarantine`.
        shapes: What both sides say of the columns that `missing` speaks of; "" without such.
    """

    table: str
    missing: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    evolved: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    shapes: str = ""

    @property
    def stops(self) -> tuple[str, ...]:
        """All sentences on why nothing can be read; empty when it can."""
        return (*self.missing, self.shapes) if self.shapes else self.missing


def inspect_schema(snapshot: Snapshot, tables: Iterable[TableSpec]) -> list[SchemaFindings]:
    """Compare each table spec with the snapshot's schema."""
    known_tables = snapshot.tables()
    return [_inspect(snapshot, table, known_tables) for table in tables]


def require_schema(findings: Iterable[SchemaFindings]) -> None:
    """Raise SourceError naming everything that is missing."""
    stops = [sentence for finding in findings for sentence in finding.stops]
    if stops:
        raise SourceError(" ".join(stops), MISSING_CURE)


def both_shapes(table: TableSpec, real: Sequence[SourceColumn], differing: Sequence[str]) -> str:
    """What the spec says of these columns and what the source has: these too, and what the spec does not know, for a
    column may only have another name. The others are counted.
    """
    told = [f"{column.name} {column.sql_type}" for column in table.columns if column.name in differing]
    known = {*table.column_names, *table.ignored} - set(differing)
    found = [f"{column.name} {column.sql_type or 'of no type'}" for column in real if column.name not in known]
    agree = sum(column.name in known for column in real)
    return f"Spec: {_first(told)}. Source: {_first(found) or 'none of these'}. Columns that agree: {agree}."


def _first(shown: Sequence[str]) -> str:
    more = f" and {len(shown) - SHOWN} more" if len(shown) > SHOWN else ""
    return ", ".join(shown[:SHOWN]) + more


def _inspect(snapshot: Snapshot, table: TableSpec, known_tables: tuple[str, ...]) -> SchemaFindings:
    if table.source not in known_tables:
        instead = nearest(table.source, known_tables) if known_tables else "the source has no tables at all"
        return SchemaFindings(table=table.source, missing=(f"Table {table.source} is missing ({instead}).",))
    real = {column.name: column for column in snapshot.columns(table.source)}
    absent = [column.name for column in table.columns if column.name not in real and not column.optional]
    missing = [f"Table {table.source} lacks column {', '.join(absent)}."] if absent else []
    retyped, unreadable = list[str](), list[str]()
    for column in table.columns:
        found = real.get(column.name)
        if found is None:
            continue
        if not found.reads_as(column):
            missing.append(_unreadable(table, column, found))
            unreadable.append(column.name)
        elif found.sql_type.upper() not in column.declared:
            retyped.append(f"{column.name}: {found.sql_type or 'no type'} instead of {column.sql_type}")
    shapes = both_shapes(table, tuple(real.values()), [*absent, *unreadable]) if missing else ""
    known = {*table.column_names, *table.ignored}
    unknown = tuple(name for name in real if name not in known)
    return SchemaFindings(
        table=table.source, missing=tuple(missing), retyped=tuple(retyped), unknown=unknown, shapes=shapes
    )


def _unreadable(table: TableSpec, column: ColumnSpec, found: SourceColumn) -> str:
    if not found.reads:
        return f"Table {table.source}: column {column.name} is {found.sql_type}, and no policy covers it."
    wanted = f"{column.value} of {column.items}" if column.items else str(column.value)
    return (
        f"Table {table.source}: column {column.name} is {found.sql_type}, which cannot be read as {wanted}; "
        f"the spec wants {column.sql_type}."
    )
