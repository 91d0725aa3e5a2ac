"""The five checks of a table, evaluated between load and swap, against the same snapshot and the staging collection.

Each outcome says what was checked, how many, which, and what to do now. They are plain data: Dagster shows them, the
ledger keeps them, the report prints them. What does not belong here: how they are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from atlas_pipeline.extract.snapshot import Orphans
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.quality.outcome import ExpectationsOutcome
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.reconcile.keys import KeyComparison
from atlas_pipeline.reconcile.sample import SampleComparison
from atlas_pipeline.spec.tables import TableSpec

ROWS_SHOWN = 20

Severity = Literal["ERROR", "WARN"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDefinition:
    """A check that every table has.

    Attributes:
        name: Name in the Dagster UI.
        blocking: Whether a failure with severity ERROR keeps the table from being published.
        description: What it says.
        fails_run: Whether a failure with severity ERROR fails the run, though the table is published.
    """

    name: str
    blocking: bool
    description: str
    fails_run: bool = False


ROW_COUNT = CheckDefinition(
    name="row_count_matches_source",
    blocking=True,
    description="Source rows = documents + quarantined rows, counted exactly in one snapshot; every key is in one.",
)
SAMPLE = CheckDefinition(
    name="sampled_documents_match_source",
    blocking=True,
    description="Every field of the sampled documents, types included, is what the source row maps to.",
)
EXPECTATIONS = CheckDefinition(
    name="expectations_met",
    blocking=True,
    description="The Great Expectations suites of the table hold: whole-table counts, types and values of the sample.",
)
REJECTS = CheckDefinition(
    name="no_rejected_rows",
    blocking=False,
    description="No row is in quarantine, but those that a person has discarded. Rows within the error budget warn; "
    "more fail the run, though its good rows are published.",
    fails_run=True,
)
REFERENCES = CheckDefinition(
    name="references_resolve",
    blocking=False,
    description="Every reference of the whole table names a row that exists in the source.",
)
CHECKS = (ROW_COUNT, SAMPLE, EXPECTATIONS, REJECTS, REFERENCES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutcome:
    """What one check found.

    Attributes:
        check: Which check.
        passed: Whether it holds.
        severity: How bad it is that it does not.
        summary: One sentence with the numbers.
        facts: Numbers and short texts by name.
        rows: At most `ROWS_SHOWN` examples as flat records.
        truncated: Whether there are more examples than `rows`.
        link: Address of a page with more, or "".
    """

    check: CheckDefinition
    passed: bool
    severity: Severity = "ERROR"
    summary: str
    facts: Mapping[str, int | float | str] = field(default_factory=dict)
    rows: Sequence[Mapping[str, str | int]] = ()
    truncated: bool = False
    link: str = ""

    @property
    def withholds(self) -> bool:
        """Whether this outcome keeps the table from being published."""
        return not self.passed and self.check.blocking and self.severity == "ERROR"

    @property
    def fails_run(self) -> bool:
        """Whether this outcome fails the run, though the table is published."""
        return not self.passed and self.check.fails_run and self.severity == "ERROR"


def row_count(counts: TableCounts, keys: KeyComparison) -> CheckOutcome:
    rows = [{"key": _key(key), "problem": "in the source only"} for key in keys.missing_examples]
    rows += [{"key": _key(key), "problem": "in the collection only"} for key in keys.extra_examples]
    return CheckOutcome(
        check=ROW_COUNT,
        passed=counts.add_up,
        summary=f"{counts.source_rows:,} source rows = {counts.documents:,} documents "
        f"+ {counts.quarantined:,} quarantined"
        if counts.add_up
        else f"{counts.source_rows:,} source rows, {counts.documents:,} documents, {counts.quarantined:,} quarantined; "
        f"{counts.missing_keys:,} keys missing, {counts.extra_keys:,} keys too many",
        facts={
            "source_rows": counts.source_rows,
            "documents": counts.documents,
            "quarantined": counts.quarantined,
            "duplicate_keys": counts.duplicate_keys,
            "missing_keys": counts.missing_keys,
            "extra_keys": counts.extra_keys,
        },
        rows=rows[:ROWS_SHOWN],
        truncated=counts.missing_keys + counts.extra_keys > len(rows[:ROWS_SHOWN]),
    )


def changed_rows(facts: LoadFacts, at: str) -> CheckOutcome:
    """Judge a sync that read some rows only: each is accounted for, or it would have stopped.

    Args:
        facts: What the sync did.
        at: When the whole table was counted last.
    """
    written = facts.inserted + facts.replaced
    return CheckOutcome(
        check=ROW_COUNT,
        passed=True,
        summary=f"{facts.read:,} rows read, {facts.unchanged:,} of them unchanged: {facts.inserted:,} documents "
        f"inserted, {facts.replaced:,} replaced, {facts.deleted:,} deleted; {facts.loaded:,} by the ledger. "
        f"The whole table was counted {at}",
        facts={"read": facts.read, "written": written, "unchanged": facts.unchanged, "documents": facts.loaded},
    )


def as_before(check: CheckDefinition, recorded: Sequence[Mapping[str, Any]], at: str) -> CheckOutcome:
    """What a check of the whole table said when it was asked last, for a sync that read some rows only.

    Args:
        check: Which check.
        recorded: The outcomes that the ledger keeps.
        at: When they were found.
    """
    for one in recorded:
        if one["name"] == check.name:
            summary = str(one["summary"]).removeprefix(_BEFORE.format(at=at))
            return CheckOutcome(
                check=check,
                passed=one["passed"],
                severity=one["severity"],
                summary=_BEFORE.format(at=at) + summary,
                rows=one["rows"],
                truncated=one["truncated"],
            )
    return CheckOutcome(check=check, passed=True, summary="not asked yet; the next sync of the whole table does")


_BEFORE = "as of {at}: "


def sample(comparison: SampleComparison) -> CheckOutcome:
    differing = comparison.differing
    rows = [{"_id": repr(key), "differing_fields": ", ".join(fields)} for key, fields in differing.items()]
    return CheckOutcome(
        check=SAMPLE,
        passed=not differing,
        summary=f"{comparison.compared:,} sampled documents compared in every field, {len(differing):,} differ"
        + (f"; {comparison.pending:,} are written, and proven, when the table is published" * bool(comparison.pending)),
        facts={
            "compared": comparison.compared,
            "differing": len(differing),
            "sampled_rows_in_quarantine": comparison.quarantined,
            "pending": comparison.pending,
            "seed": comparison.seed,
        },
        rows=rows[:ROWS_SHOWN],
        truncated=len(rows) > ROWS_SHOWN,
    )


def expectations(outcome: ExpectationsOutcome) -> CheckOutcome:
    rows: list[dict[str, str | int]] = [
        {
            "expectation": failure.meaning or failure.expectation,
            "column": failure.column,
            "outcome": failure.outcome,
            "severity": failure.severity,
            "unexpected": failure.unexpected,
            "examples": ", ".join(failure.examples[:5]),
        }
        for failure in outcome.failures
    ]
    noted = sum(failure.severity == "info" for failure in outcome.failures)
    return CheckOutcome(
        check=EXPECTATIONS,
        passed=outcome.severity not in ("critical", "warning"),
        severity="ERROR" if outcome.severity == "critical" else "WARN",
        summary=f"expectations evaluated: {outcome.evaluated}, not met: {len(outcome.failures) - noted}"
        + (f", noted only: {noted}" if noted else ""),
        facts={"evaluated": outcome.evaluated, "not_met": len(outcome.failures) - noted},
        rows=rows[:ROWS_SHOWN],
        truncated=len(rows) > ROWS_SHOWN,
        link=outcome.url,
    )


def rejects(table: TableSpec, counts: TableCounts, entries: Sequence[Mapping[str, Any]]) -> CheckOutcome:
    """Judge the rows in quarantine that nobody has discarded.

    Args:
        table: The table, with its error budget.
        counts: Its exact numbers.
        entries: The first of those rows.
    """
    budget, rejected = table.sync.error_budget, counts.quarantined - counts.discarded
    over = budget.exceeded(quarantined=rejected, source_rows=counts.source_rows)
    rows = [
        {"key": _key(entry["key"]), "column": entry["column"], "code": entry["code"], "reason": entry["reason"]}
        for entry in entries[:ROWS_SHOWN]
    ]
    return CheckOutcome(
        check=REJECTS,
        passed=rejected == 0,
        severity="ERROR" if over else "WARN",
        summary=f"rows in quarantine: {counts.quarantined:,}"
        + (f", {counts.discarded:,} of them discarded" if counts.discarded else "")
        + (f", over the budget of {budget}" if over else ""),
        facts={"quarantined": counts.quarantined, "discarded": counts.discarded, "budget": str(budget)},
        rows=rows,
        truncated=rejected > len(rows),
    )


def references(found: Sequence[Orphans]) -> CheckOutcome:
    orphans = sum(one.count for one in found)
    rows = [
        {
            "column": one.reference.column,
            "refers_to": " or ".join(".".join(target) for target in one.reference.targets),
            "declared": "foreign key" if one.reference.enforced else "by convention",
            "orphans": one.count,
            "examples": ", ".join(f"{_key(key)} -> {value!r}" for key, value in one.examples[:3]),
            "note": one.reference.about,
        }
        for one in found
        if one.count
    ]
    return CheckOutcome(
        check=REFERENCES,
        passed=orphans == 0,
        severity="WARN",
        summary=f"references of the whole table: {len(found)}, rows that refer to nothing: {orphans:,}",
        facts={"orphans": orphans},
        rows=rows[:ROWS_SHOWN],
        truncated=len(rows) > ROWS_SHOWN,
    )


def _key(values: Sequence[Any]) -> str:
    """Key values for people: text as it is, in quotes only where its ends or commas could mislead."""
    return ", ".join(
        value if isinstance(value, str) and value and value.strip() == value and "," not in value else repr(value)
        for value in values
    )
