"""The Dagster resource that opens source and target once per process and closes what it opened.

What belongs here: turning settings into the plain objects that the pipeline works with. What does not: using them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.snapshot import Snapshot, Source
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.run import Holder
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.orchestration.instance import holder_tags
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec

Progress = Callable[[str, int], None]
_LISTENER: ContextVar[Progress] = ContextVar("progress", default=lambda _collection, _rows: None)


@contextmanager
def listening(listener: Progress) -> Iterator[None]:
    """Tell `listener(collection, rows)` of rows as they are done, for runs in this process and context."""
    token = _LISTENER.set(listener)
    try:
        yield
    finally:
        _LISTENER.reset(token)


def configured_source(catalog: CatalogSpec, settings: Settings) -> Source:
    """The source of a catalog: the configured one, else the generated sample when there is one.

    Raises:
        ConfigurationError: Neither is there.
    """
    url = settings.source_url(catalog.source_variable)
    if url is None:
        sample = settings.sample_path
        if not sample.is_file():
            raise ConfigurationError(
                f"{catalog.name} has no source: {catalog.source_variable} is not set and no sample was made.",
                f"set {catalog.source_variable}, or run `atlas-pipeline demo` once",
            )
        url = f"sqlite:///{sample}"
    return open_source(catalog, url, copies=settings.snapshots_dir, timeout_seconds=settings.source_timeout_seconds)


class PipelineResource(dg.ConfigurableResource[None]):
    """Source snapshots, target connection and expectations of one process, opened on first use.

    All settings come from the environment, so that the UI, the daemon and the command line work on the same servers.
    """

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _target: Target | None = PrivateAttr(default=None)
    _snapshots: dict[str, Snapshot] = PrivateAttr(default_factory=dict)
    _settings: Settings = PrivateAttr(default_factory=Settings)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
        """Say which process works for the run, and close whatever its steps opened."""
        if context.instance is not None and context.run is not None:
            context.instance.add_run_tags(context.run.run_id, holder_tags(Holder.this_process()))
        with ExitStack() as stack:
            self._open, self._target, self._snapshots = stack, None, {}
            yield self

    @property
    def settings(self) -> Settings:
        return self._settings

    @property
    def target(self) -> Target:
        """The open connection to MongoDB. Raises AtlasError when there is no server to be had."""
        if self._target is None:
            server = self._open.enter_context(mongodb(self._settings))
            self._target = self._open.enter_context(Target(server.uri, timeout_ms=self._settings.mongodb_timeout_ms))
        return self._target

    def snapshot(self, catalog: CatalogSpec) -> Snapshot:
        """The one view of the catalog's source that all steps of this process read. Raises AtlasError."""
        if catalog.name not in self._snapshots:
            source = configured_source(catalog, self._settings)
            self._snapshots[catalog.name] = self._open.enter_context(source.snapshot())
        return self._snapshots[catalog.name]

    @property
    def expectations(self) -> ExpectationsProject:
        return ExpectationsProject(
            root=self._settings.expectations_dir, state=self._settings.state, reports_url=self._settings.reports_url
        )

    def progress_of(self, collection: str) -> Callable[[int], None]:
        """Where to tell the progress of one collection."""
        listener = _LISTENER.get()
        return lambda rows: listener(collection, rows)
