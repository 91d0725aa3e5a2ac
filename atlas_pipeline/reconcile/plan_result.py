"""What a sync would do to one table, as data: for the terminal and for machines.

What does not belong here: finding out (`plan`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

FIRST_KEYS = 10
"""Keys of each kind that are named."""

What = Literal["inserted", "replaced", "deleted", "quarantined", "foreign"]


@dataclass(slots=True, kw_only=True)
class TablePlan:
    """What a sync would do.

    Attributes:
        catalog: Name of the catalog.
        table: Source table.
        collection: Collection.
        exists: Whether the collection is there.
        read: Rows of the source.
        inserted: Documents under keys that are not there.
        replaced: Documents that would hold something else.
        deleted: Documents that would go.
        unchanged: Documents that are as they would be.
        quarantined: Rows that would be in quarantine. A row that the last sync refused for a unique value, and that is
            as it was, counts as refused again; what else a unique index refuses is known when it is built.
        already_quarantined: Those of them that are there.
        leaving_quarantine: Entries that would go.
        foreign: Documents that this pipeline never loaded and that would stay, or stop the sync.
        bytes: Size of the documents that would be inserted or replaced, without vectors.
        seconds: Estimated duration of the sync.
        estimated_from: On what the estimate rests.
        blocked: What would stop the sync.
        first_keys: The first keys of each kind; of `quarantined` those that are not in quarantine.
    """

    catalog: str
    table: str
    collection: str
    exists: bool = True
    read: int = 0
    inserted: int = 0
    replaced: int = 0
    deleted: int = 0
    unchanged: int = 0
    quarantined: int = 0
    already_quarantined: int = 0
    leaving_quarantine: int = 0
    foreign: int = 0
    bytes: int = 0
    seconds: float = 0.0
    estimated_from: str = ""
    blocked: Sequence[str] = ()
    first_keys: dict[What, list[str]] = field(default_factory=dict)

    @property
    def documents(self) -> int:
        """Documents of this pipeline after the sync."""
        return self.inserted + self.replaced + self.unchanged

    @property
    def nothing_to_do(self) -> bool:
        """Whether a sync would leave all as it is."""
        moved = self.inserted + self.replaced + self.deleted
        refused = self.quarantined - self.already_quarantined + self.leaving_quarantine
        return self.exists and not moved and not refused and not self.blocked

    def note(self, what: What, key: str) -> None:
        """Name a key, if it is one of the first."""
        keys = self.first_keys.setdefault(what, [])
        if len(keys) < FIRST_KEYS:
            keys.append(key)

    def as_json(self) -> dict[str, Any]:
        """The shape that other programs rely on: that of a synced table, and more."""
        counts = ("read", "inserted", "replaced", "deleted", "unchanged", "quarantined")
        return {
            "catalog": self.catalog,
            "table": self.table,
            "collection": self.collection,
            **{name: getattr(self, name) for name in counts},
            "seconds": round(self.seconds, 3),
            "status": "blocked" if self.blocked else "nothing to do" if self.nothing_to_do else "to do",
            "blocked": " ".join(self.blocked),
            "bytes": self.bytes,
            "foreign": self.foreign,
            "exists": self.exists,
            "already_quarantined": self.already_quarantined,
            "leaving_quarantine": self.leaving_quarantine,
            "estimated_from": self.estimated_from,
            "first_keys": {name: list(keys) for name, keys in self.first_keys.items()},
        }
