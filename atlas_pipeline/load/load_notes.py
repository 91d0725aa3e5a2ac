"""What a load notes of the rows of a key range, so that another run can go on behind them without mapping them again.

What belongs here: these notes, added up batch by batch, and as the ledger stores them. What does not: the range itself
(`range_store`), and going on (`resume`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from atlas_pipeline.mapping.fidelity import Fidelity


@dataclass(slots=True, kw_only=True)
class LoadNotes:
    """Notes on some rows that follow each other.

    Attributes:
        first: `_id` of the first row, also of one that was refused; None when it can have none.
        last: The same of the last row.
        batches: Numbers of their first and last batch, by which refused ones are found in quarantine.
        document_bytes: Encoded documents.
        newest: The latest change of one of them, where the table has a change cursor.
        fidelity: How often a policy of the spec stored something else than the source holds, by column.
        vectors: Where the vectors of their documents came from.
    """

    first: Any
    last: Any
    batches: tuple[int, int]
    document_bytes: int = 0
    newest: datetime | None = None
    fidelity: Fidelity = field(default_factory=Fidelity)
    vectors: Counter[str] = field(default_factory=Counter)

    def add(self, more: LoadNotes) -> None:
        """Add the notes on the rows that follow."""
        self.first = more.first if self.first is None else self.first
        self.last = self.last if more.last is None else more.last
        self.batches = (self.batches[0], more.batches[1])
        self.document_bytes += more.document_bytes
        self.newest = max(filter(None, (self.newest, more.newest)), default=None)
        self.fidelity.update(more.fidelity)
        self.vectors.update(more.vectors)

    def as_document(self) -> dict[str, Any]:
        return {
            "last": self.last,
            "batches": list(self.batches),
            "bytes": self.document_bytes,
            "newest": self.newest.isoformat() if self.newest else None,  # with its microseconds
            "fidelity": self.fidelity.records(),
            "vectors": dict(self.vectors),
        }

    @classmethod
    def from_document(cls, first: Any, stored: Mapping[str, Any]) -> LoadNotes:
        """As the ledger stored them with a range that begins there."""
        low, high = stored["batches"]
        return cls(
            first=first,
            last=stored["last"],
            batches=(low, high),
            document_bytes=stored["bytes"],
            newest=datetime.fromisoformat(stored["newest"]) if stored["newest"] else None,
            fidelity=Fidelity({(one["column"], one["policy"]): one["values"] for one in stored["fidelity"]}),
            vectors=Counter(stored["vectors"]),
        )
