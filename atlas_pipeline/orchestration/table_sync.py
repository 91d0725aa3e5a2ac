"""The whole way of one table: load, checks before anything is published, publish or withhold. Plain Python, no Dagster.

The Dagster asset and any other caller go through `TableSync`; nothing else decides whether a table is published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.database import Database

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.evolution import Judged, judge, require
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.orchestration.phase_clock import PhaseClock
from atlas_pipeline.orchestration.staged import Staged, TableResult
from atlas_pipeline.orchestration.table_checks import as_document, check_in_place, check_load
from atlas_pipeline.quality import checks
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.values import values
from atlas_pipeline.reconcile.before_publish import verify_staging
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline.reconcile.sample import ChosenKeys, SampleKeys
from atlas_pipeline.resync.in_place import InPlace
from atlas_pipeline.resync.published_sync import PublishedSync
from atlas_pipeline.resync.scope import WHOLE, Part, Scope, Way, part_of, way_of
from atlas_pipeline.resync.series_append import SeriesAppend
from atlas_pipeline.resync.watermark import settled_until
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

VECTORS_KEPT = timedelta(days=30)
"""How long a vector stays in the cache after its last use."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSync:
    """The sync of one table by its policy: load it anew and swap it in, or bring its collection in step in place.

    Attributes:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: What to sync.
        snapshot: The one view of the source that this run reads.
        expectations: The Great Expectations project.
        run: Who does it.
        embedder: What computes the vectors of a table that asks for them.
        sealer: Seals values of secret columns in the quarantine; without one they are left out.
        scope: What the run was asked for, beside the policy.
        force: Publish also when the collection would lose most of its documents.
        progress: Called with the number of rows that were acknowledged or quarantined.
    """

    target: Target
    catalog: CatalogSpec
    table: TableSpec
    snapshot: Snapshot
    expectations: ExpectationsProject
    run: RunIdentity
    embedder: Embedder | None = None
    sealer: Sealer | None = None
    scope: Scope = WHOLE
    force: bool = False
    progress: Callable[[int], None] = lambda _: None
    clock: PhaseClock = field(init=False, default_factory=PhaseClock)

    def go(self) -> TableResult:
        """Sync the table.

        Raises:
            ConfigurationError: The table asks for vectors, and there is no embedder.
            AtlasError: The table could not be synced. After a load that failed the live collection is as it was; after
                a sync in place every document is old or new, and the next sync goes on.
        """
        with ExitStack() as opened:
            begun = self.begin(opened)
            if isinstance(begun, Staged):
                return begun.publish() if begun.publishable else begun.withhold()
            return begun

    def begin(self, opened: ExitStack) -> Staged | TableResult:
        """Sync the table, but leave a load that is complete for the caller to publish.

        Args:
            opened: Gets the load, which must be ended before this is closed.

        Returns:
            The load; or the result, where the collection was brought in step in place.

        Raises:
            AtlasError: As `go` does.
        """
        with self.target.translated():
            state = TableLedger(self._pipeline, self.catalog, self.table, self.run).state()
        judged = judge(self.snapshot, self.table, state)
        require([judged])
        enricher = enricher_of(judged.table, self.embedder, self._vectors)
        way = way_of(judged.table, state.get("published") or {}, self.scope)
        if self.table.storage == "time_series" and way == "append":
            return self._append(opened, judged)
        if self.table.storage == "time_series" or way == "reload":
            return self._load(opened, judged, enricher, way)
        part = part_of(judged.table, self.scope) if way == "part" else Part()
        return self._in_place(judged, enricher, way, part)

    @property
    def _pipeline(self) -> Database[dict[str, Any]]:
        return self.target.pipeline_database(self.catalog)

    @property
    def _vectors(self) -> EmbeddingCache:
        return EmbeddingCache(self._pipeline[COLLECTION], comment=self.run.run_id)

    def _load(
        self,
        opened: ExitStack,
        judged: Judged,
        enricher: Enricher | None,
        way: Way,
        before: LoadFacts | None = None,
    ) -> Staged:
        """Load the whole table and look at it; `before` is what an attempt to do with less has to tell."""
        table, clock = judged.table, self.clock
        kind = SeriesLoad if table.storage == "time_series" else Reload
        load: Reload | SeriesLoad = kind(
            target=self.target,
            catalog=self.catalog,
            table=table,
            snapshot=self.snapshot,
            run=self.run,
            force=self.force,
            enricher=enricher,
            sealer=self.sealer,
            progress=self.progress,
        )
        opened.enter_context(load)
        load.facts.mode = way
        if before is not None:
            load.facts.recovered[:0] = before.recovered
            load.facts.warnings += before.warnings
        sample = SampleKeys(table, source_rows=load.facts.source_rows, seed=self._seed)
        clock.lap("prepare")
        load.copy(sample.observe)
        clock.lap("load")
        load.build(sample.keys())
        clock.lap("verify_and_index")
        counts, outcomes = check_load(load, sample, self.expectations, self.table)
        if table.sync.values == "before_publish" and isinstance(load, Reload):
            outcomes = (*outcomes, values(table, verify_staging(load)))
        clock.lap("checks")
        if table.sync.cursor is not None:
            load.facts.watermark = settled_until(self.snapshot.time, table.sync.cursor)
        return Staged(
            load=load,
            counts=counts,
            outcomes=outcomes,
            schema=judged.findings,
            kept={**self._kept(outcomes, judged), "snapshot_at": self.snapshot.time.now},
            clock=clock,
            afterwards=self._loaded,
        )

    def _loaded(self) -> None:
        Records(self._pipeline, self.catalog, self.table).forget()
        self._forget_vectors()

    def _forget_vectors(self) -> None:
        if self.table.embedding is not None:
            with self.target.translated():
                self._vectors.forget_unused(datetime.now(UTC) - VECTORS_KEPT)

    def _in_place(self, judged: Judged, enricher: Enricher | None, way: Way, part: Part) -> TableResult:
        """Bring the published collection in step, and look at it."""
        sync = InPlace(
            target=self.target,
            catalog=self.catalog,
            table=self.table,
            snapshot=self.snapshot,
            run=self.run,
            way=way,
            part=part,
            force=self.force,
            enricher=enricher,
            sealer=self.sealer,
            progress=self.progress,
        )
        with sync:
            seen = SampleKeys(sync.table, source_rows=sync.facts.source_rows, seed=self._seed)
            self.clock.lap("prepare")
            sync.find(lambda rows: seen.observe(rows, None))
            self.clock.lap("compare")
            sync.apply()
            result = self._finish(sync, [*seen.keys(), *sync.some_found(self._seed)], judged)
        if result.published:
            self._forget_vectors()
        return result

    def _append(self, opened: ExitStack, judged: Judged) -> Staged | TableResult:
        """Bring the new rows of a published time series; compare the whole table when that is not enough."""
        sync = SeriesAppend(
            target=self.target,
            catalog=self.catalog,
            table=self.table,
            snapshot=self.snapshot,
            run=self.run,
            way="append",
            force=self.force,
            sealer=self.sealer,
            progress=self.progress,
        )
        with sync:
            self.clock.lap("prepare")
            sync.find()
            self.clock.lap("compare")
            if not sync.whole_because:
                sync.apply()
                return self._finish(sync, sync.sampled(), judged)
            sync.give_way()
        return self._load(opened, judged, None, "reconcile", sync.facts)

    def _finish(self, sync: PublishedSync, keys: Sequence[Row], judged: Judged) -> TableResult:
        """Look at what was brought in step, at the rows with these keys too, and record it."""
        clock = self.clock
        clock.lap("apply")
        sample = ChosenKeys(seed=self._seed, chosen=list(dict.fromkeys(keys)))
        counts, outcomes = check_in_place(sync, sample, self.expectations, self.table)
        clock.lap("checks")
        kept = self._kept(outcomes, judged)
        if sync.way != "part":
            kept["snapshot_at"] = self.snapshot.time.now
        published = not any(outcome.withholds for outcome in outcomes)
        (sync.record if published else sync.withhold)(**kept, seconds=clock.seconds())
        clock.lap("publish")
        return TableResult(
            published=published,
            counts=counts,
            facts=sync.facts,
            outcomes=outcomes,
            schema=judged.findings,
            seconds=clock.seconds(),
        )

    @property
    def _seed(self) -> int:
        return int.from_bytes(hashlib.blake2b(self.run.run_id.encode(), digest_size=4).digest(), "little")

    def _kept(self, outcomes: Sequence[checks.CheckOutcome], judged: Judged) -> dict[str, Any]:
        return {"checks": [as_document(outcome) for outcome in outcomes], "schema": judged.record}


def enricher_of(table: TableSpec, embedder: Embedder | None, vectors: EmbeddingCache) -> Enricher | None:
    """What gives the documents of a table their vectors, if it asks for them. Raises ConfigurationError."""
    if table.embedding is None:
        return None
    if embedder is None:
        raise ConfigurationError(f"Table {table.source} asks for vectors.", "give an embedder")
    return Enricher(table, embedder, vectors)
