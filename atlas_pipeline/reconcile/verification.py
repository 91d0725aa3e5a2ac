"""What a verification of one table found, as data: for the terminal, for machines, for Dagster, for the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from atlas_pipeline.reconcile.differences import Difference, Kind, Tally

Mode = Literal["full", "sampled", "counts"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableVerification:
    """What a verification found.

    Attributes:
        catalog: Name of the catalog.
        table: Source table.
        collection: Collection.
        mode: `full`: every value; `sampled`: every value of some rows, and the counts; `counts`: the counts alone.
        tally: The counts.
        adds_up: Whether documents and quarantined rows make up the source rows, where they were counted.
        digest: Hex digest over the documents as they are stored, where all were read.
        seconds: How long it took.
        differences: The first differences.
        oldest: When the oldest difference that is still there was first seen, or None.
        resumed: Stretches of keys that an earlier, unfinished verification had compared.
        stretches: Into how many the table was cut.
        note: What a reader must know, or "".
    """

    catalog: str
    table: str
    collection: str
    mode: Mode
    tally: Tally
    adds_up: bool = True
    digest: str = ""
    seconds: float = 0.0
    differences: Sequence[Difference] = field(default_factory=tuple)
    oldest: datetime | None = None
    resumed: int = 0
    stretches: int = 1
    note: str = ""

    @property
    def equal(self) -> bool:
        """Whether nothing differs but, at most, how a value is represented. Pending rows are no differences."""
        return self.adds_up and self.tally.differences == self.tally.kinds[Kind.REPRESENTATION]

    @property
    def strictly_equal(self) -> bool:
        """Whether nothing differs at all, nothing is pending, and every representation is the canonical one."""
        return self.adds_up and not self.tally.differences and not self.tally.pending

    @property
    def rows_per_second(self) -> float:
        return self.tally.rows / self.seconds if self.seconds else 0.0

    @property
    def truncated(self) -> bool:
        """Whether there are more differences than are listed."""
        return self.tally.differences > len(self.differences)

    @property
    def missing_in_target(self) -> int:
        return self.tally.kinds[Kind.MISSING]

    @property
    def extra_in_target(self) -> int:
        return self.tally.kinds[Kind.EXTRA]

    @property
    def value(self) -> int:
        return self.tally.kinds[Kind.VALUE]

    @property
    def representation(self) -> int:
        return self.tally.kinds[Kind.REPRESENTATION]

    def as_json(self) -> dict[str, Any]:
        """The shape that other programs rely on."""
        return {
            "catalog": self.catalog,
            "table": self.table,
            "collection": self.collection,
            "mode": self.mode,
            "compared": self.tally.rows,
            "equal": self.tally.equal,
            "documents": self.tally.documents,
            **{str(kind): count for kind, count in self.tally.kinds.items()},
            "pending": self.tally.pending,
            "quarantined": self.tally.quarantined,
            "kept_foreign": self.tally.kept_foreign,
            "adds_up": self.adds_up,
            "first_seen": self.tally.first_seen,
            "persisted": self.tally.differences,
            "oldest_first_seen": None if self.oldest is None else self.oldest.isoformat(timespec="seconds"),
            "digest": self.digest,
            "seconds": round(self.seconds, 3),
            "rows_per_second": round(self.rows_per_second),
            "resumed_stretches": self.resumed,
            "note": self.note,
        }

    def differences_as_json(self) -> list[dict[str, Any]]:
        """The differences, in the shape that other programs rely on."""
        return [
            {
                "catalog": self.catalog,
                "collection": self.collection,
                "key": one.key,
                "kind": str(one.kind),
                "why": one.why,
                "first_seen": one.first_seen.isoformat(timespec="seconds"),
                "fields": [asdict(place) for place in one.fields],
            }
            for one in self.differences
        ]
