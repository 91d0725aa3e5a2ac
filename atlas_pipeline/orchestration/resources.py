"""The Dagster resource that opens source and target once per process and closes what it opened.

What belongs here: turning settings into the plain objects that the pipeline works with. What does not: using them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

import dagster as dg
from pydantic import PrivateAttr

from atlas_pipeline.embedding.embedder import Embedder, make_embedder
from atlas_pipeline.extract.snapshot import Snapshot, Source
from atlas_pipeline.load.sealing import Sealer, make_sealer
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.orchestration.instance import limit_source_pools
from atlas_pipeline.orchestration.sources import opened_source
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

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


class PipelineResource(dg.ConfigurableResource[None]):
    """Source snapshots, target connection and expectations of one process, opened on first use.

    All settings come from the environment, so that the UI, the daemon and the command line work on the same servers.
    """

    _open: ExitStack = PrivateAttr(default_factory=ExitStack)
    _target: Target | None = PrivateAttr(default=None)
    _sources: dict[str, Source] = PrivateAttr(default_factory=dict)
    _snapshots: dict[str, Snapshot] = PrivateAttr(default_factory=dict)
    _embedders: dict[int, Embedder] = PrivateAttr(default_factory=dict)
    _settings: Settings = PrivateAttr(default_factory=Settings)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[Any]:
        """Give the pools of the sources their limits, and close whatever the steps of this process opened."""
        if context.instance is not None:
            limit_source_pools(context.instance, self._settings.source_connections)
        with ExitStack() as stack:
            self._open, self._target, self._sources, self._snapshots = stack, None, {}, {}
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

    @contextmanager
    def snapshot(self, catalog: CatalogSpec, run_id: str) -> Iterator[Snapshot]:
        """One view of the catalog's source: of this step alone, or the one that all steps of this process read.

        Raises AtlasError.
        """
        if catalog.snapshot == "table":
            with self.own_snapshot(catalog, run_id) as snapshot:
                yield snapshot
            return
        if catalog.name not in self._snapshots:
            self._snapshots[catalog.name] = self._open.enter_context(self.own_snapshot(catalog, run_id))
        yield self._snapshots[catalog.name]

    def own_snapshot(self, catalog: CatalogSpec, run_id: str) -> AbstractContextManager[Snapshot]:
        """A view of the catalog's source that nobody else reads. Raises AtlasError."""
        return self._source(catalog).snapshot(label=run_id)

    def opened(self, catalog: CatalogSpec, table: TableSpec, run_id: str) -> Opened:
        """Source and target of a table, for comparing them. Raises AtlasError."""
        return Opened(
            catalog=catalog,
            table=table,
            source=self._source(catalog),
            target=self.target,
            embedder=self.embedder(table),
            comment=run_id,
        )

    def _source(self, catalog: CatalogSpec) -> Source:
        if catalog.name not in self._sources:
            self._sources[catalog.name] = self._open.enter_context(opened_source(catalog, self._settings))
        return self._sources[catalog.name]

    def embedder(self, table: TableSpec) -> Embedder | None:
        """What computes the vectors of a table, loaded once per process; None when it has none."""
        if table.embedding is None:
            return None
        dimensions = table.embedding.dimensions
        if dimensions not in self._embedders:
            self._embedders[dimensions] = make_embedder(self._settings.embedder, dimensions)
        return self._embedders[dimensions]

    @property
    def sealer(self) -> Sealer | None:
        """What seals secret values in the quarantine, if there is a key. Raises ConfigurationError for a wrong one."""
        return make_sealer(self._settings.quarantine_key)

    @property
    def expectations(self) -> ExpectationsProject:
        return ExpectationsProject(
            root=self._settings.expectations_dir, state=self._settings.state, reports_url=self._settings.reports_url
        )

    def progress_of(self, collection: str) -> Callable[[int], None]:
        """Where to tell the progress of one collection."""
        listener = _LISTENER.get()
        return lambda rows: listener(collection, rows)
