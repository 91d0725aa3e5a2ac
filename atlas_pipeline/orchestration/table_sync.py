"""The whole way of one table: load, checks before anything is published, swap or withhold. Plain Python, no Dagster.

The Dagster asset and any other caller go through `sync_table`; nothing else decides whether a table is published.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from atlas_pipeline.extract.schema import SchemaFindings, inspect_schema, require_schema
from atlas_pipeline.extract.snapshot import Snapshot
from atlas_pipeline.load.reload import LoadFacts, Reload
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.quality import checks
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.reconcile.keys import compare_keys
from atlas_pipeline.reconcile.sample import SampleKeys, compare_sample
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class TableResult:
    """What became of one table in one run.

    Attributes:
        published: Whether the new collection was swapped in.
        counts: The exact numbers.
        facts: What the load did.
        outcomes: The checks, in the order of `checks.CHECKS`.
        schema: Differences between spec and real table that do not stop a load.
        seconds: Duration by phase, `total` included.
    """

    published: bool
    counts: TableCounts
    facts: LoadFacts
    outcomes: tuple[checks.CheckOutcome, ...]
    schema: SchemaFindings
    seconds: Mapping[str, float] = field(default_factory=dict)


def sync_table(
    *,
    target: Target,
    catalog: CatalogSpec,
    table: TableSpec,
    snapshot: Snapshot,
    expectations: ExpectationsProject,
    run: RunIdentity,
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
        force: Publish also when the collection would lose most of its documents.
        progress: Called with the number of rows that were acknowledged or quarantined.

    Raises:
        AtlasError: The table could not be loaded or published; the live collection is as it was.
    """
    clock = _Clock()
    schema = inspect_schema(snapshot, [table])
    require_schema(schema)
    reload = Reload(
        target=target, catalog=catalog, table=table, snapshot=snapshot, run=run, force=force, progress=progress
    )
    with reload:
        seed = int.from_bytes(hashlib.blake2b(run.run_id.encode(), digest_size=4).digest(), "little")
        sample_keys = SampleKeys(table, source_rows=reload.facts.source_rows, seed=seed)
        clock.lap("prepare")
        reload.copy(sample_keys.observe)
        clock.lap("load")
        reload.build()
        clock.lap("verify_and_index")
        counts, outcomes = _check(reload, sample_keys, expectations)
        clock.lap("checks")
        kept = {"checks": [_as_document(outcome) for outcome in outcomes], "schema": _schema_document(schema[0])}
        published = not any(outcome.withholds for outcome in outcomes)
        if published:
            reload.publish(**kept, seconds=clock.seconds())
        else:
            reload.withhold(**kept, seconds=clock.seconds())
        clock.lap("publish")
    return TableResult(
        published=published,
        counts=counts,
        facts=reload.facts,
        outcomes=outcomes,
        schema=schema[0],
        seconds=clock.seconds(),
    )


def _check(
    reload: Reload, sample_keys: SampleKeys, expectations: ExpectationsProject
) -> tuple[TableCounts, tuple[checks.CheckOutcome, ...]]:
    table, snapshot, comment = reload.table, reload.snapshot, reload.run.run_id
    reload.ledger.phase("check")
    keys = compare_keys(snapshot, table, reload.staging, reload.quarantine, comment=comment)
    orphans = [snapshot.orphans(table, reference) for reference in table.references]
    counts = TableCounts(
        source_rows=reload.facts.source_rows,
        documents=reload.facts.loaded,
        quarantined=reload.facts.quarantined,
        duplicate_keys=reload.facts.duplicate_keys,
        missing_keys=keys.missing,
        extra_keys=keys.extra,
        orphans=sum(one.count for one in orphans),
    )
    compared = compare_sample(
        sample_keys,
        snapshot=snapshot,
        mapper=reload.mapper,
        collection=reload.staging,
        quarantine=reload.quarantine,
        comment=comment,
    )
    judged = expectations.validate(
        reload.catalog,
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
        checks.rejects(table, counts, reload.quarantine.examples(checks.ROWS_SHOWN)),
        checks.references(orphans),
    )


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
