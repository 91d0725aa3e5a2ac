"""Bringing a time series to what was mapped, in place: what is too much goes, then what is due is written.

From the first removal to the last write readers miss documents; the ledger says so before it begins. What does not
belong here: which documents differ (`series_changes`), and writing (`series_writer`).
"""

from __future__ import annotations

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.foreign import ForeignWatch
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.series_changes import Changes
from atlas_pipeline.load.series_collection import Document, SeriesCollection

FEW = 1_000
LARGEST_SHARE = 0.25
"""Meta groups are rewritten as long as they hold few documents, or this share of all; else all is written anew."""


class SeriesUpdate:
    """One change of a time series. Its methods are called once each, in their order.

    Args:
        series: The time series.
        changes: What differs.
        documents: How many it will have.
    """

    def __init__(self, series: SeriesCollection, changes: Changes, *, documents: int) -> None:
        self._series, self._changes, self._documents = series, changes, documents
        self._rewritten: set[bytes] = set()
        self._to_remove = 0
        self._inserted = self._replaced = self._unchanged = 0
        self.rebuilt = changes.rebuild

    def choose(self, watch: ForeignWatch | None) -> None:
        """Look at what would be removed; too much of it, and the time series is built anew. Changes nothing.

        Args:
            watch: Looks for foreign documents among it, unless the policy does not mind them.

        Raises:
            TargetError: There are foreign documents by now.
        """
        most = max(FEW, LARGEST_SHARE * self._documents)
        if not self.rebuilt:
            for document in self._series.ids_of_groups(self._changes.metas):
                self._rewritten.add(key_hash(document))
                self._to_remove += 1
                if watch is not None:
                    watch.look_at(document)
                if self._to_remove > most:
                    break
            # A group that is not found by its value, whatever the reason, cannot be removed by it either.
            self.rebuilt = self._to_remove > most or not self._changes.extra_keys <= self._rewritten
        if self.rebuilt and watch is not None:
            for document in self._series.ids():
                watch.look_at(document)
        if watch is not None:
            watch.require_none()

    def remove(self, ledger: TableLedger, definitions: list[Document]) -> None:
        """Say in the ledger that a gap begins, and remove what is too much.

        Args:
            ledger: The table's ledger.
            definitions: Indexes that a time series built anew is to have again.

        Raises:
            TargetError: The server removed another number of documents than it was asked to.
        """
        metas = self._changes.metas
        ledger.note_gap(meta_groups=len(metas), rebuild=self.rebuilt, indexes=definitions)
        if self.rebuilt:
            self._series.drop()
            self._series.create()
        elif metas and (removed := self._series.remove_groups(metas)) != self._to_remove:
            raise TargetError(
                f"{self._series.collection.full_name}: {self._to_remove:,} documents were to be removed, "
                f"{removed:,} were.",
                "run again; the next run compares all of it again",
            )

    def is_due(self, document: bytes) -> bool:
        """Whether a mapped document is to be written. To be asked once for each."""
        if self.rebuilt:
            self._inserted += 1
            return True
        moment, form = self._series.form.of_mapped(document)
        key = key_hash(document)
        if self._changes.is_missing(moment, form):
            if key in self._changes.extra_keys:
                self._replaced += 1
            else:
                self._inserted += 1
            return True
        self._unchanged += 1
        return key in self._rewritten

    def tell(self, facts: LoadFacts) -> None:
        """Add what was done to the facts."""
        facts.rebuilt = self.rebuilt
        facts.inserted, facts.replaced, facts.unchanged = self._inserted, self._replaced, self._unchanged
        if not self.rebuilt:
            facts.deleted = self._changes.extra - self._replaced
            facts.meta_groups = len(self._changes.metas)
            facts.rewritten = self._to_remove - self._changes.extra
