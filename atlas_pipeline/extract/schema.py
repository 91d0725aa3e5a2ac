"""The real schema of a source against what the specs say of it, before a row is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.snapshot import Snapshot, SourceColumn
from atlas_pipeline.spec.catalogs import nearest
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFindings:
    """Differences between one table spec and the real table.

    Attributes:
        table: Source table.
        missing: What the spec needs and the source lacks or has as something else; each a sentence. Nothing can be
            loaded with one of these.
        retyped: Columns declared with another type that can be read; their values are judged one by one.
        unknown: Columns of the source that the spec does not move.
    """

    table: str
    missing: tuple[str, ...] = ()
    retyped: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def inspect_schema(snapshot: Snapshot, tables: Iterable[TableSpec]) -> list[SchemaFindings]:
    """Compare each table spec with the snapshot's schema."""
    known_tables = snapshot.tables()
    return [_inspect(snapshot, table, known_tables) for table in tables]


def require_schema(findings: Iterable[SchemaFindings]) -> None:
    """Raise SourceError naming everything that is missing."""
    missing = [sentence for finding in findings for sentence in finding.missing]
    if missing:
        raise SourceError(
            " ".join(missing), "name the right source, or bring it to the schema that the catalog describes"
        )


def _inspect(snapshot: Snapshot, table: TableSpec, known_tables: tuple[str, ...]) -> SchemaFindings:
    if table.source not in known_tables:
        instead = nearest(table.source, known_tables) if known_tables else "the source has no tables at all"
        return SchemaFindings(table=table.source, missing=(f"Table {table.source} is missing ({instead}).",))
    real = {column.name: column for column in snapshot.columns(table.source)}
    missing: list[str] = []
    if absent := [column.name for column in table.columns if column.name not in real and not column.optional]:
        missing.append(f"Table {table.source} lacks column {', '.join(absent)} (found: {', '.join(real)}).")
    retyped: list[str] = []
    for column in table.columns:
        found = real.get(column.name)
        if found is None:
            continue
        if not found.reads_as(column):
            missing.append(_unreadable(table, column, found))
        elif found.sql_type.upper() not in column.declared:
            retyped.append(f"{column.name}: {found.sql_type or 'no type'} instead of {column.sql_type}")
    unknown = tuple(name for name in real if name not in table.column_names)
    return SchemaFindings(table=table.source, missing=tuple(missing), retyped=tuple(retyped), unknown=unknown)


def _unreadable(table: TableSpec, column: ColumnSpec, found: SourceColumn) -> str:
    if not found.reads:
        return f"Table {table.source}: column {column.name} is {found.sql_type}, and no policy covers it."
    wanted = f"{column.value} of {column.items}" if column.items else str(column.value)
    return (
        f"Table {table.source}: column {column.name} is {found.sql_type}, which cannot be read as {wanted}; "
        f"the spec wants {column.sql_type}."
    )
