"""The check of all values: what a verification found, in the words of a check.

What does not belong here: verifying (`atlas_pipeline.reconcile`), and how a check is shown.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from atlas_pipeline.quality.checks import ROWS_SHOWN, CheckDefinition, CheckOutcome
from atlas_pipeline.reconcile.differences import Difference
from atlas_pipeline.reconcile.verification import TableVerification
from atlas_pipeline.spec.tables import TableSpec

VALUES = CheckDefinition(
    name="values_match_source",
    blocking=False,
    description="Every value of every document, types included, is what its source row maps to now. Differences are "
    "looked at again before they count; rows that changed after the last sync are pending.",
)


def values_check(table: TableSpec) -> CheckDefinition:
    """The check as the table's policy wants it."""
    return replace(VALUES, blocking=table.sync.values != "report")


def values(table: TableSpec, found: TableVerification) -> CheckOutcome:
    """The outcome of a verification."""
    tally = found.tally
    rows = [row for difference in found.differences for row in _rows(difference)]
    pending = f"; {tally.pending:,} rows changed after the last sync" if tally.pending else ""
    representation = f", {found.representation:,} of representation only" if found.representation else ""
    return CheckOutcome(
        check=values_check(table),
        passed=found.equal,
        summary=f"{tally.rows:,} rows compared in every value, {tally.equal:,} documents equal, "
        f"{tally.differences:,} differ{representation}{pending}",
        facts={
            "compared": tally.rows,
            "equal": tally.equal,
            **{str(kind): count for kind, count in tally.kinds.items()},
            "pending": tally.pending,
            "quarantined": tally.quarantined,
            "seen_at_first": tally.first_seen,
            "persisted": tally.differences,
            "oldest_first_seen": "" if found.oldest is None else found.oldest.isoformat(timespec="seconds"),
            "duration_seconds": round(found.seconds, 3),
            "rows_per_second": round(found.rows_per_second),
            "digest": found.digest,
        },
        rows=rows[:ROWS_SHOWN],
        truncated=found.truncated or len(rows) > ROWS_SHOWN,
    )


def _rows(difference: Difference) -> Iterator[dict[str, str | int]]:
    """One record for each differing field, or one for a difference without."""
    about: dict[str, str | int] = {"key": difference.key, "kind": str(difference.kind)}
    nowhere: dict[str, str | int] = dict.fromkeys(("field", "expected", "expected_type", "actual", "actual_type"), "")
    if not difference.fields:
        yield {**about, **nowhere, "why": difference.why}
    for place in difference.fields:
        yield {
            **about,
            "field": place.path,
            "expected": place.expected,
            "expected_type": place.expected_type,
            "actual": place.actual,
            "actual_type": place.actual_type,
            "why": difference.why,
        }
