"""Which catalogs and tables a command is about."""

from __future__ import annotations

from atlas_pipeline.catalogs.registry import CATALOGS, find_catalog
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Selection = list[tuple[CatalogSpec, tuple[TableSpec, ...]]]


def select(catalog: str | None, tables: list[str] | None) -> Selection:
    """The named catalog, or all; with all tables, or the named ones. Raises ConfigurationError for unknown names."""
    if tables and catalog is None:
        if len(CATALOGS) > 1:
            raise ConfigurationError("--table needs a catalog.", f"name one of: {', '.join(sorted(CATALOGS))}")
        catalog = next(iter(CATALOGS))
    catalogs = [find_catalog(catalog)] if catalog else list(CATALOGS.values())
    if not tables:
        return [(one, one.tables) for one in catalogs]
    wanted = [catalogs[0].table(name) for name in tables]
    return [(catalogs[0], tuple(table for table in catalogs[0].tables if table in wanted))]
