"""The real schema of a source against what the specs say of it, before a row is read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.spec.catalogs import nearest
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class SchemaFindings:
    """Differences between one table spec and the real table.

    Attributes:
        table: Source table.
        missing: What the spec needs and the source lacks; each a sentence. Nothing can be loaded with one of these.
        retyped: Columns declared with another type; their values are judged one by one.
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
        found = nearest(table.source, known_tables) if known_tables else "the source has no tables at all"
        return SchemaFindings(table=table.source, missing=(f"Table {table.source} is missing ({found}).",))
    real = {column.name: column for column in snapshot.columns(table.source)}
    absent = [column.name for column in table.columns if column.name not in real]
    missing: tuple[str, ...] = ()
    if absent:
        missing = (f"Table {table.source} lacks column {', '.join(absent)} (found: {', '.join(real)}).",)
    retyped = tuple(
        f"{column.name}: {real[column.name].sql_type or 'no type'} instead of {column.sql_type}"
        for column in table.columns
        if column.name in real and real[column.name].sql_type.upper() != column.sql_type.upper()
    )
    unknown = tuple(name for name in real if name not in table.column_names)
    return SchemaFindings(table=table.source, missing=missing, retyped=retyped, unknown=unknown)
