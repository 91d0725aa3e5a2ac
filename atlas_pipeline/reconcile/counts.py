"""The exact numbers of one table in one snapshot, and whether they add up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TableCounts:
    """What was counted for one table, source and collection in the same snapshot.

    Attributes:
        source_rows: Rows of the source table, counted by the source.
        documents: Documents of the collection that this pipeline loaded, counted by the server.
        quarantined: Rows of this run in quarantine, counted by the server.
        discarded: Those of the quarantined rows that a person has discarded.
        duplicate_keys: Source rows whose key another row has too.
        missing_keys: Source keys with neither a document nor a quarantine entry.
        extra_keys: Documents whose key is not in the source.
        orphans: Rows with a reference that resolves to nothing, summed over all references.
    """

    source_rows: int
    documents: int
    quarantined: int
    discarded: int = 0
    duplicate_keys: int = 0
    missing_keys: int = 0
    extra_keys: int = 0
    orphans: int = 0

    @property
    def add_up(self) -> bool:
        """Whether every source row is in exactly one of two places."""
        return self.source_rows == self.documents + self.quarantined and self.missing_keys == 0 and self.extra_keys == 0
