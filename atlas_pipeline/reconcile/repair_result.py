"""What a repair is asked for, and what it did, as data: for the terminal, for machines, for the ledger.

What does not belong here: repairing (`repair`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.reconcile.differences import Difference

LISTED = 1_000
"""Differences that stay which a result lists; all are counted, and stay recorded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """How to repair.

    Attributes:
        delete_foreign: Whether foreign documents go, unless the policy of the table keeps them.
        sealer: Seals secret values of rows that are refused.
        progress: Called with the number of keys that are done.
    """

    delete_foreign: bool = False
    sealer: Sealer | None = None
    progress: Callable[[int], None] = field(default=lambda _: None)

    def may_delete_foreign(self, policy: str) -> bool:
        """Whether foreign documents may go under this policy."""
        return policy == "delete" or (self.delete_foreign and policy != "keep")


@dataclass(slots=True)
class Left:
    """The reported keys that still differ.

    Attributes:
        count: How many.
        listed: The first of them, with the reason.
    """

    count: int = 0
    listed: list[tuple[Difference, str]] = field(default_factory=list)

    def add(self, difference: Difference, why: str) -> None:
        """One more."""
        self.count += 1
        if len(self.listed) < LISTED:
            self.listed.append((replace(difference, fields=()), why))


@dataclass(slots=True, kw_only=True)
class TableRepair:
    """What a repair did.

    Attributes:
        catalog: Name of the catalog.
        table: Source table.
        collection: Collection.
        reported: Differences that were recorded.
        inserted: Documents that were missing.
        replaced: Documents that held something else.
        deleted: Documents without a row, or whose row is refused now.
        quarantined: Rows that are refused now, and were not in quarantine.
        already_equal: Reported keys that were equal when they were looked at.
        left: What still differs.
        unrecorded: Differences that the last verification found beyond those that are recorded.
        recovered: Sentences on what was found of dead runs and done about it.
        seconds: How long it took.
    """

    catalog: str
    table: str
    collection: str
    reported: int = 0
    inserted: int = 0
    replaced: int = 0
    deleted: int = 0
    quarantined: int = 0
    already_equal: int = 0
    left: Left = field(default_factory=Left)
    unrecorded: int = 0
    recovered: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Whether all that was reported is equal now."""
        return not self.left.count and not self.unrecorded

    def counts(self) -> dict[str, int]:
        """What was done, by name."""
        names = ("reported", "inserted", "replaced", "deleted", "quarantined", "already_equal")
        return {**{name: getattr(self, name) for name in names}, "left": self.left.count}

    def as_json(self) -> dict[str, Any]:
        """The shape that other programs rely on."""
        named = {"catalog": self.catalog, "table": self.table, "collection": self.collection}
        return {**named, **self.counts(), "unrecorded": self.unrecorded, "seconds": round(self.seconds, 3)}

    def left_as_json(self) -> list[dict[str, Any]]:
        """What is left, in the shape that other programs rely on."""
        of_table = {"catalog": self.catalog, "collection": self.collection}
        return [{**of_table, "key": one.key, "kind": str(one.kind), "why": why} for one, why in self.left.listed]


def pages(differences: Iterable[Difference], size: int) -> Iterator[list[Difference]]:
    """Parts of so many differences."""
    waiting = iter(differences)
    while page := list(islice(waiting, size)):
        yield page
