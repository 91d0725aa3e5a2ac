"""Which source a catalog reads: the reader of its dialect at the configured address."""

from __future__ import annotations

from pathlib import Path

from atlas_pipeline.extract.batching import BATCH_BYTES
from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.spec.catalogs import CatalogSpec


def open_source(
    catalog: CatalogSpec,
    url: str,
    *,
    copies: Path,
    timeout_seconds: float,
    statement_seconds: float = 600.0,
    batch_bytes: int = BATCH_BYTES,
) -> Source:
    """The source of a catalog. Nothing is opened yet.

    Args:
        catalog: The catalog, whose dialect the URL must have.
        url: SQLAlchemy URL.
        copies: Folder for private copies of SQLite files.
        timeout_seconds: How long to wait for what others have locked.
        statement_seconds: How long one statement may work on a server.
        batch_bytes: Bytes of a batch of rows; all that is on its way takes SHARE_OF_BUDGET times as much.

    Raises:
        ConfigurationError: The URL is wrong.
    """
    if catalog.dialect == "sqlite":
        return SqliteSource(
            url,
            variable=catalog.source_variable,
            copies=copies,
            timeout_seconds=timeout_seconds,
            batch_bytes=batch_bytes,
        )
    from atlas_pipeline.extract.postgres_source import PostgresSource  # the driver, for those who need it

    return PostgresSource(
        url,
        variable=catalog.source_variable,
        timeout_seconds=timeout_seconds,
        statement_seconds=statement_seconds,
        batch_bytes=batch_bytes,
    )
