"""The verdict on one table: whether an application may read it from MongoDB from now on, and what stands against it.

Pure judgement of what others have looked up. What does not belong here: looking it up (`status_board`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atlas_pipeline.spec.tables import TableSpec

_COUNTED_HERE = "no_rejected_rows"
"""The check whose rows may have landed, or have been discarded, since the last sync."""
_VALUES = "values_match_source"
"""The check that compares every value before a swap, where the policy wants it."""
_ONLY_REPRESENTED = "representation"

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The last comparison of every value of a table.

    Attributes:
        at: When it ended.
        mode: `full`: of the live collection; `before_publish`: of the staging collection, before the swap.
        equal: Whether nothing differed but, at most, how a value is represented.
        stale: Why it says nothing about the collection as it is now, or "".
    """

    at: datetime
    mode: str
    equal: bool
    stale: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Rows, documents and indexes of one table.

    Attributes:
        source_rows: Rows at the source; None when they could not be counted.
        documents: Documents that stand for a row of the source, or are foreign.
        quarantined: Rows in quarantine.
        discarded: Those of them that a person has discarded.
        indexes: Indexes that are as the spec wants them.
        differences: Differences that verifications have found and that are still recorded.
    """

    source_rows: int | None
    documents: int
    quarantined: int
    discarded: int
    indexes: int
    differences: int


def last_verification(table: TableSpec, state: Document) -> Verification | None:
    """What the ledger knows of the last whole verification. It holds until the collection is made anew: what changes a
    collection in place looks at each document that it wrote.
    """
    published, verified = state.get("published") or {}, state.get("verified") or {}
    before = next((check for check in published.get("checks", []) if check["name"] == _VALUES), None)
    if before is not None and before["passed"] and not (verified and verified["at"] > published["at"]):
        return Verification(at=published["at"], mode="before_publish", equal=True, stale="")
    if not verified:
        return None
    kinds = verified["counts"]["kinds"]
    stale = ""
    if verified["spec"] != table.fingerprint:
        stale = "the spec changed since the last full verification"
    elif _made_anew(published, verified):
        stale = "the collection was loaded anew since the last full verification"
    return Verification(
        at=verified["at"],
        mode=verified["mode"],
        equal=bool(verified["adds_up"]) and sum(kinds.values()) == kinds.get(_ONLY_REPRESENTED, 0),
        stale=stale,
    )


def _made_anew(published: Document, verified: Document) -> bool:
    if "uuid" not in verified:  # recorded by an earlier version
        return bool(published["at"] > verified["at"]) if published else True
    return bool(verified["uuid"] != published.get("uuid"))


def against(
    table: TableSpec,
    state: Document,
    counted: Counted,
    *,
    verification: Verification | None,
    failed: Document | None,
    running: Document | None,
) -> list[str]:
    """Everything known that stands against reading this collection; sentences without a full stop."""
    published = state.get("published") or {}
    if not published:
        return ["the collection was not made by this pipeline", *last_failure(failed)]
    found = []
    if gap := state.get("gap"):
        works = running is not None and running["run_id"] == gap["run_id"]
        found.append(
            f"run {gap['run_id']} {'rewrites' if works else 'died while it rewrote'} the collection in place, "
            "and documents may be missing" + ("" if works else "; sync again")
        )
    kept = int(published.get("kept_foreign", 0))
    if counted.source_rows is not None and counted.source_rows != counted.documents - kept + counted.quarantined:
        found.append("rows and documents do not add up; sync again")
    if rejected := counted.quarantined - counted.discarded:
        found.append(f"{rejected:,} rows in quarantine")
    if counted.indexes < len(table.indexes):
        found.append(f"{len(table.indexes) - counted.indexes} of {len(table.indexes)} indexes missing or different")
    if published.get("spec") != table.fingerprint:
        found.append("the spec changed since the last sync")
    found += _failed_checks(published.get("checks", []))
    found += last_failure(failed)
    if counted.differences:
        found.append(f"{counted.differences:,} differences were found by a verification; repair or sync")
    return found + _unverified(verification, counted)


def last_failure(failed: Document | None) -> list[str]:
    """What a run that failed since the last sync has against a table."""
    return [f"the last run failed: {failed['error'].rstrip('.')}"] if failed else []


def in_favour(verification: Verification | None) -> str:
    """What a ready table rests on."""
    when = (
        "before it was published" if verification and verification.mode == "before_publish" else "when it was verified"
    )
    return f"counts, keys, bytes, sample and indexes held at the last sync, and every value was equal {when}"


def _failed_checks(checks: Sequence[Document]) -> list[str]:
    failed = [
        check["name"]
        for check in checks
        if not check["passed"] and check["severity"] == "ERROR" and check["name"] != _COUNTED_HERE
    ]
    return [f"failed checks: {', '.join(failed)}"] if failed else []


def _unverified(verification: Verification | None, counted: Counted) -> list[str]:
    if verification is None:
        return ["never fully verified"]
    if verification.stale:
        return [f"{verification.stale}; verify it"]
    if not verification.equal and not counted.differences:
        return ["the last full verification found differences, which are no longer recorded; verify again"]
    return []
