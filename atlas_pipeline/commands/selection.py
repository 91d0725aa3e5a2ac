"""Which catalogs and tables a command is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from atlas_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from atlas_pipeline.settings import Settings
    from atlas_pipeline.spec.catalogs import CatalogSpec
    from atlas_pipeline.spec.tables import TableSpec

Selection: TypeAlias = "list[tuple[CatalogSpec, tuple[TableSpec, ...]]]"


def select(catalog: str | None, tables: list[str] | None) -> Selection:
    """The named catalog, or all; with all tables, or the named ones. Raises ConfigurationError for unknown names."""
    from atlas_pipeline.catalogs.registry import CATALOGS, find_catalog

    if catalog is None and tables:
        catalog = _holder_of(tables)
    if catalog is None:
        return [(one, one.tables) for one in CATALOGS.values()]
    one = find_catalog(catalog)
    wanted = [one.table(name) for name in tables or ()] or one.tables
    return [(one, tuple(table for table in one.tables if table in wanted))]


def select_readable(catalog: str | None, tables: list[str] | None, settings: Settings) -> Selection:
    """As `select`, but of all catalogs only those that have a source.

    Raises ConfigurationError for unknown names, and when no catalog has a source.
    """
    from atlas_pipeline.orchestration.sources import has_source

    selection = select(catalog, tables)
    if catalog is not None or tables:
        return selection
    readable = [(one, of) for one, of in selection if has_source(one, settings)]
    if not readable:
        variables = " or ".join(one.source_variable for one, _ in selection)
        raise ConfigurationError(
            "No catalog has a source.", f"set {variables}, or run `atlas-pipeline demo` once, which makes samples"
        )
    return readable


def _holder_of(tables: list[str]) -> str:
    """The one catalog that has all these tables. Raises ConfigurationError."""
    from atlas_pipeline.catalogs.registry import CATALOGS
    from atlas_pipeline.spec.catalogs import nearest

    holders = [
        one.name
        for one in CATALOGS.values()
        if all(any(name in (table.source, table.collection) for table in one.tables) for name in tables)
    ]
    if len(holders) == 1:
        return holders[0]
    if holders:
        raise ConfigurationError(f"{' and '.join(holders)} have table {tables[0]}.", "name the catalog too")
    known = {name for one in CATALOGS.values() for table in one.tables for name in (table.source, table.collection)}
    strange = next((name for name in tables if name not in known), None)
    if strange is None:
        raise ConfigurationError(f"No catalog has all of {', '.join(tables)}.", "name tables of one catalog")
    raise ConfigurationError(f"There is no table {strange!r} in any catalog.", nearest(strange, known))
