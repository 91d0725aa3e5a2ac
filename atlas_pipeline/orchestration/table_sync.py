"""The whole way of one table: load, checks before anything is published, publish or withhold. Plain Python, no Dagster.

The Dagster asset and any other caller go through `sync_table`; nothing else decides whether a table is published.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.schema import SchemaFindings
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
from atlas_pipeline.orchestration.table_checks import as_document, check_in_place, check_load
from atlas_pipeline.quality import checks
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.values import values
from atlas_pipeline.reconcile.before_publish import verify_staging
from atlas_pipeline.reconcile.counts import TableCounts
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
class TableResult:
    """What became of one table in one run.

    Attributes:
        published: Whether the collection now holds what the source does.
        counts: The exact numbers.
        facts: What the load did.
        outcomes: The checks, in the order of `checks.CHECKS`, and that of all values where the policy wants it.
        schema: Differences between spec and real table that do not stop a load.
        seconds: Duration by phase, `total` included.
    """

    published: bool
    counts: TableCounts
    facts: LoadFacts
    outcomes: tuple[checks.CheckOutcome, ...]
    schema: SchemaFindings
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def left_behind(self) -> str:
        """What a check that failed has left of the collection, as a sentence."""
        if self.facts.mode == "reload":
            return "The live collection is as it was."
        return "Every live document is as it was or as its row is now; the next sync goes on."


def sync_table(  # noqa: PLR0913 - each is the caller's choice, and all are named
    *,
    target: Target,
    catalog: CatalogSpec,
    table: TableSpec,
    snapshot: Snapshot,
    expectations: ExpectationsProject,
    run: RunIdentity,
    embedder: Embedder | None = None,
    sealer: Sealer | None = None,
    scope: Scope = WHOLE,
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> TableResult:
    """Sync one table by its policy: load it anew and swap it in, or bring its collection in step in place.

    Args:
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

    Raises:
        ConfigurationError: The table asks for vectors, and there is no embedder.
        AtlasError: The table could not be synced. After a load that failed the live collection is as it was; after a
            sync in place every document is old or new, and the next sync goes on.
    """
    syncing = _Syncing(
        target=target,
        catalog=catalog,
        snapshot=snapshot,
        expectations=expectations,
        run=run,
        sealer=sealer,
        force=force,
        progress=progress,
    )
    with target.translated():
        state = TableLedger(target.pipeline_database(catalog), catalog, table, run).state()
    judged = judge(snapshot, table, state)
    require([judged])
    vectors = EmbeddingCache(target.pipeline_database(catalog)[COLLECTION], comment=run.run_id)
    enricher = enricher_of(judged.table, embedder, vectors)
    way = way_of(judged.table, state.get("published") or {}, scope)
    if table.storage == "time_series" and way == "append":
        result = syncing.append(table, judged)
    elif table.storage == "time_series" or way == "reload":
        result = syncing.load(table, judged, enricher, way)
    else:
        part = part_of(judged.table, scope) if way == "part" else Part()
        result = syncing.in_place(table, judged, enricher, way, part)
    if result.published and table.embedding is not None:
        with target.translated():
            vectors.forget_unused(datetime.now(UTC) - VECTORS_KEPT)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class _Syncing:
    """What both ways of syncing a table are given; see `sync_table`."""

    target: Target
    catalog: CatalogSpec
    snapshot: Snapshot
    expectations: ExpectationsProject
    run: RunIdentity
    sealer: Sealer | None
    force: bool
    progress: Callable[[int], None]
    clock: PhaseClock = field(default_factory=PhaseClock)

    def load(
        self, spec: TableSpec, judged: Judged, enricher: Enricher | None, way: Way, before: LoadFacts | None = None
    ) -> TableResult:
        """Load the whole table, and publish it unless a blocking check fails; `before` is what an attempt to do with
        less has to tell.
        """
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
        with load:
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
            counts, outcomes = check_load(load, sample, self.expectations, spec)
            if table.sync.values == "before_publish" and isinstance(load, Reload):
                outcomes = (*outcomes, values(table, verify_staging(load)))
            clock.lap("checks")
            kept = self._kept(outcomes, judged)
            published = not any(outcome.withholds for outcome in outcomes)
            if published:
                if table.sync.cursor is not None:
                    load.facts.watermark = settled_until(self.snapshot.time, table.sync.cursor)
                load.publish(**kept, seconds=clock.seconds(), snapshot_at=self.snapshot.time.now)
                Records(self.target.pipeline_database(self.catalog), self.catalog, table).forget()
            else:
                load.withhold(**kept, seconds=clock.seconds())
            clock.lap("publish")
        return self._result(load, counts, outcomes, judged, published=published)

    def in_place(self, spec: TableSpec, judged: Judged, enricher: Enricher | None, way: Way, part: Part) -> TableResult:
        """Bring the published collection in step, and look at it."""
        sync = InPlace(
            target=self.target,
            catalog=self.catalog,
            table=spec,
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
            return self._finish(sync, [*seen.keys(), *sync.some_found(self._seed)], spec, judged)

    def append(self, spec: TableSpec, judged: Judged) -> TableResult:
        """Bring the new rows of a published time series; compare the whole table when that is not enough."""
        sync = SeriesAppend(
            target=self.target,
            catalog=self.catalog,
            table=spec,
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
                return self._finish(sync, sync.sampled(), spec, judged)
            sync.give_way()
        return self.load(spec, judged, None, "reconcile", sync.facts)

    def _finish(self, sync: PublishedSync, keys: Sequence[Row], spec: TableSpec, judged: Judged) -> TableResult:
        """Look at what was brought in step, at the rows with these keys too, and record it."""
        clock = self.clock
        clock.lap("apply")
        sample = ChosenKeys(seed=self._seed, chosen=list(dict.fromkeys(keys)))
        counts, outcomes = check_in_place(sync, sample, self.expectations, spec)
        clock.lap("checks")
        kept = self._kept(outcomes, judged)
        if sync.way != "part":
            kept["snapshot_at"] = self.snapshot.time.now
        published = not any(outcome.withholds for outcome in outcomes)
        (sync.record if published else sync.withhold)(**kept, seconds=clock.seconds())
        clock.lap("publish")
        return self._result(sync, counts, outcomes, judged, published=published)

    @property
    def _seed(self) -> int:
        return int.from_bytes(hashlib.blake2b(self.run.run_id.encode(), digest_size=4).digest(), "little")

    def _kept(self, outcomes: Sequence[checks.CheckOutcome], judged: Judged) -> dict[str, Any]:
        return {"checks": [as_document(outcome) for outcome in outcomes], "schema": judged.record}

    def _result(
        self,
        sync: Reload | SeriesLoad | PublishedSync,
        counts: TableCounts,
        outcomes: tuple[checks.CheckOutcome, ...],
        judged: Judged,
        *,
        published: bool,
    ) -> TableResult:
        return TableResult(
            published=published,
            counts=counts,
            facts=sync.facts,
            outcomes=outcomes,
            schema=judged.findings,
            seconds=self.clock.seconds(),
        )


def enricher_of(table: TableSpec, embedder: Embedder | None, vectors: EmbeddingCache) -> Enricher | None:
    """What gives the documents of a table their vectors, if it asks for them. Raises ConfigurationError."""
    if table.embedding is None:
        return None
    if embedder is None:
        raise ConfigurationError(f"Table {table.source} asks for vectors.", "give an embedder")
    return Enricher(table, embedder, vectors)
