"""The checks of one synced table, brought together: which are asked of what, after each way of syncing.

What belongs here: asking. What does not: judging (`atlas_pipeline.quality.checks`), and what becomes of a failure
(`table_sync`).
"""

from __future__ import annotations

from typing import Any

from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.quality import checks
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.reconcile.keys import KeyComparison, can_compare, compare_keys
from atlas_pipeline.reconcile.recorded_keys import compare_recorded_keys
from atlas_pipeline.reconcile.sample import Sample, SampleComparison, compare_sample
from atlas_pipeline.resync.published_sync import PublishedSync
from atlas_pipeline.spec.tables import TableSpec

Checked = tuple[TableCounts, tuple[checks.CheckOutcome, ...]]


def check_load(
    load: Reload | SeriesLoad, sample: Sample, expectations: ExpectationsProject, spec: TableSpec
) -> Checked:
    """The checks of a whole load, before it is published.

    Args:
        load: The load, built.
        sample: Keys of the sample.
        expectations: The Great Expectations project.
        spec: The table as its spec says; the suites know no columns that joined later.
    """
    load.ledger.phase("check")
    keys = _compare_keys(load)
    orphans = [load.snapshot.orphans(load.table, reference) for reference in load.table.references]
    counts = _counts(load, keys, orphans=sum(one.count for one in orphans))
    compared = _compare(load, sample)
    judged = expectations.validate(
        load.catalog,
        spec,
        counts=counts,
        documents=compared.documents,
        differing=compared.differing,
        run_name=load.run.run_id,
    )
    return counts, (
        checks.row_count(counts, keys),
        checks.sample(compared),
        checks.expectations(judged),
        checks.rejects(load.table, counts, load.quarantine.examples(checks.ROWS_SHOWN)),
        checks.references(orphans),
    )


def check_in_place(sync: PublishedSync, sample: Sample, expectations: ExpectationsProject, spec: TableSpec) -> Checked:
    """The checks of a table that was brought in step in place; arguments as for `check_load`.

    What only a look at the whole table can tell is asked when the whole table was compared, and told with its date
    otherwise.
    """
    whole, table = sync.way == "reconcile", sync.table
    orphans = [sync.snapshot.orphans(table, reference) for reference in table.references] if whole else []
    keys = KeyComparison(matched=sync.facts.loaded)  # each was compared, or looked at again after it was corrected
    counts = _counts(sync, keys, orphans=sum(one.count for one in orphans))
    compared = _compare(sync, sample)
    judged = expectations.validate(
        sync.catalog,
        spec,
        counts=counts if whole else None,
        documents=compared.documents,
        differing=compared.differing,
        run_name=sync.run.run_id,
    )
    at, before = sync.last_whole
    return counts, (
        checks.row_count(counts, keys) if whole else checks.changed_rows(sync.facts, at),
        checks.sample(compared),
        checks.expectations(judged),
        checks.rejects(table, counts, sync.quarantine.examples(checks.ROWS_SHOWN)),
        checks.references(orphans) if whole else checks.as_before(checks.REFERENCES, before, at),
    )


def _counts(sync: Reload | SeriesLoad | PublishedSync, keys: KeyComparison, *, orphans: int) -> TableCounts:
    facts = sync.facts
    return TableCounts(
        source_rows=facts.source_rows,
        documents=facts.loaded,
        quarantined=facts.quarantined,
        discarded=facts.discarded,
        duplicate_keys=facts.duplicate_keys,
        missing_keys=keys.missing,
        extra_keys=keys.extra,
        orphans=orphans,
    )


def _compare(sync: Reload | SeriesLoad | PublishedSync, sample: Sample) -> SampleComparison:
    return compare_sample(
        sample,
        snapshot=sync.snapshot,
        mapper=sync.mapper,
        held=sync.held,
        quarantine=sync.quarantine,
        enricher=sync.enricher,
    )


def _compare_keys(load: Reload | SeriesLoad) -> KeyComparison:
    """All keys of the source against those of the documents, by the way that the collection allows."""
    if isinstance(load, SeriesLoad) or not can_compare(load.table):
        return compare_recorded_keys(load.snapshot, load.table, load.recorded_ranges, load.quarantine)
    return compare_keys(load.snapshot, load.table, load.staging, load.quarantine, comment=load.run.run_id)


def as_document(outcome: checks.CheckOutcome) -> dict[str, Any]:
    """An outcome as the ledger keeps it."""
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
