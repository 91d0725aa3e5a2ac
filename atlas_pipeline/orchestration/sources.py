"""The source of a catalog: the configured one, else the generated sample when there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.batching import bytes_of_batch
from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.local.samples import SAMPLES
from atlas_pipeline.reconcile.place import Place
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def has_source(catalog: CatalogSpec, settings: Settings) -> bool:
    """Whether a source is configured, or a sample was made."""
    sample = SAMPLES.get(catalog.name)
    configured = settings.source_url(catalog.source_variable) is not None
    return configured or (sample is not None and sample.exists(settings))


@contextmanager
def source_address(catalog: CatalogSpec, settings: Settings) -> Iterator[str]:
    """The SQLAlchemy URL of the catalog's source for as long as the context lasts; a sample's server runs as long.

    Raises:
        ConfigurationError: Nothing is configured and no sample was made.
        ServerUnavailableError: The sample's server cannot be started.
    """
    if not has_source(catalog, settings):
        raise ConfigurationError(
            f"{catalog.name} has no source: {catalog.source_variable} is not set and no sample was made.",
            f"set {catalog.source_variable}, or run `atlas-pipeline demo` once",
        )
    url = settings.source_url(catalog.source_variable)
    if url is not None:
        yield url
        return
    with SAMPLES[catalog.name].opened(settings) as sample:
        yield sample


@contextmanager
def opened_source(catalog: CatalogSpec, settings: Settings) -> Iterator[Source]:
    """The catalog's source for as long as the context lasts.

    Raises:
        ConfigurationError: Nothing is configured and no sample was made, or the URL is wrong.
        ServerUnavailableError: The sample's server cannot be started.
    """
    with source_address(catalog, settings) as url:
        yield open_source(
            catalog,
            url,
            copies=settings.snapshots_dir,
            timeout_seconds=settings.source_timeout_seconds,
            statement_seconds=settings.source_statement_seconds,
            batch_bytes=bytes_of_batch(settings.memory_budget_mb),
        )


@contextmanager
def places(
    catalog: CatalogSpec, settings: Settings, *, mongodb_uri: str, comment: str
) -> Iterator[Callable[[TableSpec], Place]]:
    """Where to compare the tables of a catalog, for as long as the context lasts. Raises AtlasError."""
    with source_address(catalog, settings) as url:

        def of(table: TableSpec) -> Place:
            return Place(
                catalog=catalog,
                table=table,
                source_url=url,
                copies=settings.snapshots_dir,
                source_timeout_seconds=settings.source_timeout_seconds,
                statement_seconds=settings.source_statement_seconds,
                batch_bytes=bytes_of_batch(settings.memory_budget_mb),
                mongodb_uri=mongodb_uri,
                mongodb_timeout_ms=settings.mongodb_timeout_ms,
                embedder=settings.embedder,
                comment=comment,
            )

        yield of
