"""The status board: one line per table, as data for machines and in words for people.

What does not belong here: looking anything up (`status_board`), the verdict (`readiness`), and a terminal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from atlas_pipeline.reporting.readiness import Counted, Verification

Document = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableStatus:
    """One line of the board.

    Attributes:
        catalog: Name of the catalog.
        table: Source table.
        collection: Collection.
        policy: Sync mode of the spec.
        counts: `now`: source and collection were counted; `last sync`: the ledger was asked.
        counted: Rows, documents, quarantine, indexes.
        indexes_wanted: Indexes of the spec.
        soft_deleted: Documents that are kept, marked as deleted, for rows that are gone.
        last_sync: When the last sync was published, or None.
        last_reconciled: When all of the table was last compared or loaded.
        watermark: Up to which moment of its cursor the table was read.
        lag_seconds: How old the state of the source is that the collection is known to follow: the time since the
            watermark, or since the last sync made its view of the source where there is none, by the source's clock
            when it is asked. None before the first sync.
        verification: The last comparison of every value.
        drift: Sentences on how the source's table differs from the spec.
        running: Who works on the table: run_id, process, since, phase. None when nobody does.
        failed: The last run, if it failed after the last sync that did not: run_id, at, error.
        against: What stands against reading from MongoDB.
        in_favour: What a ready table rests on.
    """

    catalog: str
    table: str
    collection: str
    policy: str
    counts: Literal["now", "last sync"]
    counted: Counted
    indexes_wanted: int
    soft_deleted: int
    last_sync: datetime | None
    last_reconciled: datetime | None
    watermark: datetime | None
    lag_seconds: float | None
    verification: Verification | None
    drift: tuple[str, ...]
    running: Document | None
    failed: Document | None
    against: tuple[str, ...]
    in_favour: str

    @property
    def ready(self) -> bool:
        """Whether nothing known stands against reading from MongoDB, and every value was proven equal."""
        return not self.against

    @property
    def because(self) -> str:
        return "; ".join(self.against) or self.in_favour

    def as_json(self) -> Document:
        """The shape that other programs rely on."""
        return {
            "catalog": self.catalog,
            "table": self.table,
            "collection": self.collection,
            "source_rows": self.counted.source_rows,
            "documents": self.counted.documents,
            "quarantined": self.counted.quarantined,
            "discarded": self.counted.discarded,
            "indexes": self.counted.indexes,
            "last_sync": _iso(self.last_sync),
            "last_verified": _iso(self.verification.at if self.verification else None),
            "ready": self.ready,
            "because": self.because,
            "policy": self.policy,
            "lag_seconds": None if self.lag_seconds is None else round(self.lag_seconds, 1),
            "watermark": _iso(self.watermark),
            "last_reconciled": _iso(self.last_reconciled),
            "verified_equal": self.verification.equal if self.verification else None,
            "verified_mode": self.verification.mode if self.verification else None,
            "drift": list(self.drift),
            "indexes_wanted": self.indexes_wanted,
            "soft_deleted": self.soft_deleted,
            "counts": self.counts,
            "running": None if self.running is None else {**self.running, "since": _iso(self.running["since"])},
            "failed": None if self.failed is None else {**self.failed, "at": _iso(self.failed["at"])},
        }


def as_markdown(board: Sequence[TableStatus]) -> str:
    """The board as a Markdown table."""
    head = ("table", "policy", "rows", "documents", "quarantined", "indexes", "lag", "verified", "ready for cut-over")
    lines = [
        (
            named(one),
            one.policy,
            "" if one.counted.source_rows is None else f"{one.counted.source_rows:,}",
            f"{one.counted.documents:,}",
            f"{one.counted.quarantined:,}",
            f"{one.counted.indexes} of {one.indexes_wanted}",
            age(one.lag_seconds),
            verdict(one.verification),
            "yes" if one.ready else f"no, because {one.because}",
        )
        for one in board
    ]
    rows = (head, ("---",) * len(head), *lines)
    return "\n".join(f"| {' | '.join(' '.join(cell.replace('|', '/').split()) for cell in row)} |" for row in rows)


def named(one: TableStatus) -> str:
    """Table and collection, or one name where they have the same."""
    return one.table if one.table == one.collection else f"{one.table} → {one.collection}"


def age(seconds: float | None) -> str:
    """A duration for people, in its largest unit that fits."""
    if seconds is None:
        return ""
    for unit, name in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit:
            return f"{seconds / unit:.0f} {name}"
    return f"{seconds:.0f} s"


def verdict(verification: Verification | None) -> str:
    """A verification for people."""
    if verification is None:
        return "never"
    told = "equal" if verification.equal else "differs"
    return f"{told}{', outdated' if verification.stale else ''}, {verification.at:%Y-%m-%d %H:%M}"


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="seconds") if moment else None
