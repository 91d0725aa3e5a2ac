"""The whole way of one table: load, checks before anything is published, publish or withhold. Plain Python, no Dagster.

The Dagster asset and any other caller go through `sync_table`; nothing else decides whether a table is published.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.extract.schema import SchemaFindings, inspect_schema, require_schema
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.quality import checks
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.values import values
from atlas_pipeline.reconcile.before_publish import verify_staging
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.reconcile.keys import KeyComparison, can_compare, compare_keys
from atlas_pipeline.reconcile.recorded_keys import compare_recorded_keys
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline.reconcile.sample import SampleKeys, compare_sample
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
    force: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> TableResult:
    """Load one table, check it, and publish it unless a blocking check fails.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: What to sync.
        snapshot: The one view of the source that this run reads.
        expectations: The Great Expectations project.
        run: Who does it.
        embedder: What computes the vectors of a table that asks for them.
        sealer: Seals values of secret columns in the quarantine; without one they are left out.
        force: Publish also when the collection would lose most of its documents.
        progress: Called with the number of rows that were acknowledged or quarantined.

    Raises:
        ConfigurationError: The table asks for vectors, and there is no embedder.
        AtlasError: The table could not be loaded or published; the live collection is as it was.
    """
    clock = _Clock()
    schema = inspect_schema(snapshot, [table])
    require_schema(schema)
    way = SeriesLoad if table.storage == "time_series" else Reload
    vectors = EmbeddingCache(target.pipeline_database(catalog)[COLLECTION], comment=run.run_id)
    load: Reload | SeriesLoad = way(
        target=target,
        catalog=catalog,
        table=table,
        snapshot=snapshot,
        run=run,
        force=force,
        enricher=enricher_of(table, embedder, vectors),
        sealer=sealer,
        progress=progress,
    )
    with load:
        seed = int.from_bytes(hashlib.blake2b(run.run_id.encode(), digest_size=4).digest(), "little")
        sample_keys = SampleKeys(table, source_rows=load.facts.source_rows, seed=seed)
        clock.lap("prepare")
        load.copy(sample_keys.observe)
        clock.lap("load")
        load.build(sample_keys.keys())
        clock.lap("verify_and_index")
        counts, outcomes = _check(load, sample_keys, expectations)
        if table.sync.values == "before_publish" and isinstance(load, Reload):
            outcomes = (*outcomes, values(table, verify_staging(load)))
        clock.lap("checks")
        kept = {"checks": [_as_document(outcome) for outcome in outcomes], "schema": _schema_document(schema[0])}
        published = not any(outcome.withholds for outcome in outcomes)
        if published:
            load.publish(**kept, seconds=clock.seconds())
            Records(target.pipeline_database(catalog), catalog, table).forget()
            if table.embedding is not None:
                vectors.forget_unused(datetime.now(UTC) - VECTORS_KEPT)
        else:
            load.withhold(**kept, seconds=clock.seconds())
        clock.lap("publish")
    return TableResult(
        published=published,
        counts=counts,
        facts=load.facts,
        outcomes=outcomes,
        schema=schema[0],
        seconds=clock.seconds(),
    )


def enricher_of(table: TableSpec, embedder: Embedder | None, vectors: EmbeddingCache) -> Enricher | None:
    """What gives the documents of a table their vectors, if it asks for them. Raises ConfigurationError."""
    if table.embedding is None:
        return None
    if embedder is None:
        raise ConfigurationError(f"Table {table.source} asks for vectors.", "give an embedder")
    return Enricher(table, embedder, vectors)


def _check(
    load: Reload | SeriesLoad, sample_keys: SampleKeys, expectations: ExpectationsProject
) -> tuple[TableCounts, tuple[checks.CheckOutcome, ...]]:
    table, snapshot, comment = load.table, load.snapshot, load.run.run_id
    load.ledger.phase("check")
    keys = _compare_keys(load)
    orphans = [snapshot.orphans(table, reference) for reference in table.references]
    counts = TableCounts(
        source_rows=load.facts.source_rows,
        documents=load.facts.loaded,
        quarantined=load.facts.quarantined,
        discarded=load.facts.discarded,
        duplicate_keys=load.facts.duplicate_keys,
        missing_keys=keys.missing,
        extra_keys=keys.extra,
        orphans=sum(one.count for one in orphans),
    )
    compared = compare_sample(
        sample_keys,
        snapshot=snapshot,
        mapper=load.mapper,
        held=load.held,
        quarantine=load.quarantine,
        enricher=load.enricher,
    )
    judged = expectations.validate(
        load.catalog,
        table,
        counts=counts,
        documents=compared.documents,
        differing=compared.differing,
        run_name=comment,
    )
    return counts, (
        checks.row_count(counts, keys),
        checks.sample(compared),
        checks.expectations(judged),
        checks.rejects(table, counts, load.quarantine.examples(checks.ROWS_SHOWN)),
        checks.references(orphans),
    )


def _compare_keys(load: Reload | SeriesLoad) -> KeyComparison:
    """All keys of the source against those of the documents, by the way that the collection allows."""
    if isinstance(load, SeriesLoad) or not can_compare(load.table):
        return compare_recorded_keys(load.snapshot, load.table, load.recorded_ranges, load.quarantine)
    return compare_keys(load.snapshot, load.table, load.staging, load.quarantine, comment=load.run.run_id)


def _as_document(outcome: checks.CheckOutcome) -> dict[str, Any]:
    return {
        "name": outcome.check.name,
        "passed": outcome.passed,
        "severity": outcome.severity,
        "blocking": outcome.check.blocking,
        "summary": outcome.summary,
        "rows": [dict(row) for row in outcome.rows],
        "truncated": outcome.truncated,
        "link": outcome.link,
    }


def _schema_document(findings: SchemaFindings) -> dict[str, Any]:
    return {"retyped": list(findings.retyped), "unknown": list(findings.unknown)}


class _Clock:
    """Seconds by phase."""

    def __init__(self) -> None:
        self._began = self._last = time.perf_counter()
        self._laps: dict[str, float] = {}

    def lap(self, phase: str) -> None:
        now = time.perf_counter()
        self._laps[phase] = now - self._last
        self._last = now

    def seconds(self) -> dict[str, float]:
        return {**self._laps, "total": time.perf_counter() - self._began}
