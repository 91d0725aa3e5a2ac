"""What can differ between a row and its document, in words and numbers.

What belongs here: plain results. What does not: finding them (`walk`, `points`, `settle`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """How the two sides differ. The names are stable: other programs rely on them."""

    MISSING = "missing_in_target"
    EXTRA = "extra_in_target"
    VALUE = "value"
    REPRESENTATION = "representation"  # same value: other number type or scale, sign of zero, order of fields


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldDifference:
    """One place of a document that is not what the row maps to. Of a secret, both values are fingerprints.

    Attributes:
        path: Dotted path; positions in arrays are numbers.
        expected: What the row maps to, as short text; "" when there should be nothing.
        expected_type: Its BSON type, or `missing`.
        actual: What the document holds.
        actual_type: Its BSON type, or `missing`.
    """

    path: str
    expected: str
    expected_type: str
    actual: str
    actual_type: str

    def __str__(self) -> str:
        return f"{self.path}: {self.expected} ({self.expected_type}) is {self.actual} ({self.actual_type})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One key under which the two sides differ.

    Attributes:
        identifier: `_id`, or None when no document can have the row's key.
        key: The key for people.
        kind: How they differ.
        fields: Where, for a document that is not equal to its row; may be shortened.
        why: What is known of the reason, or "".
        first_seen: When it was first seen, by this or an earlier verification.
    """

    identifier: Any
    key: str
    kind: Kind
    fields: tuple[FieldDifference, ...] = ()
    why: str = ""
    first_seen: datetime

    @property
    def keyless(self) -> bool:
        """Whether it is of a row whose key no document can have. The `_id` null is a key."""
        return self.identifier is None and self.kind is Kind.MISSING


_COUNTS = ("rows", "documents", "equal", "quarantined", "kept_foreign", "deleted", "pending", "first_seen")


@dataclass(slots=True)
class Tally:
    """Counts of one comparison. Those of several stretches of keys add up to those of the table.

    Attributes:
        rows: Source rows read.
        documents: Documents read.
        equal: Rows whose document is byte for byte what they map to.
        quarantined: Rows that have no document and are in the quarantine.
        kept_foreign: Documents that this pipeline never loaded and that the policy keeps.
        deleted: Documents without a row that are marked as deleted, as the policy wants it.
        pending: Keys that differ because the row changed after the last sync.
        first_seen: Keys that differed when they were first looked at.
        kinds: Differences that were there again when they were looked at once more, by kind.
    """

    rows: int = 0
    documents: int = 0
    equal: int = 0
    quarantined: int = 0
    kept_foreign: int = 0
    deleted: int = 0
    pending: int = 0
    first_seen: int = 0
    kinds: dict[Kind, int] = field(default_factory=lambda: dict.fromkeys(Kind, 0))

    @property
    def differences(self) -> int:
        """Differences of all kinds that persisted."""
        return sum(self.kinds.values())

    def add(self, other: Tally) -> None:
        """Add the counts of another stretch."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for kind, count in other.kinds.items():
            self.kinds[kind] += count

    def as_document(self) -> dict[str, Any]:
        """All counts by name."""
        return {
            **{name: getattr(self, name) for name in _COUNTS},
            "kinds": {str(kind): count for kind, count in self.kinds.items()},
        }

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Tally:
        """The counts that `as_document` gave."""
        kinds = {Kind(name): int(count) for name, count in document["kinds"].items()}
        return cls(**{name: int(count) for name, count in document.items() if name != "kinds"}, kinds=kinds)
