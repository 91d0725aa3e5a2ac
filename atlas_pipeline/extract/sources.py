"""Which source a catalog reads: the reader of its dialect at the configured address."""

from __future__ import annotations

from pathlib import Path

from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.spec.catalogs import CatalogSpec


def open_source(catalog: CatalogSpec, url: str, *, copies: Path, timeout_seconds: float) -> Source:
    """The source of a catalog. Nothing is opened yet. Raises ConfigurationError for a wrong URL."""
    return SqliteSource(url, variable=catalog.source_variable, copies=copies, timeout_seconds=timeout_seconds)
