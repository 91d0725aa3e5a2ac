"""All rows of a table against all its documents, and what a count of both must be afterwards.

What belongs here: the choice between the pass by key ranges, the ordered walk and the comparison by keys. What does
not: these themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from typing_extensions import override

from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.snapshot import WHOLE_TABLE, Row
from atlas_pipeline.load import foreign
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.reconcile.corrections import Corrected
from atlas_pipeline.reconcile.differences import Tally
from atlas_pipeline.reconcile.points import KEYS_AT_ONCE, look
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.unordered import KeyedComparison
from atlas_pipeline.reconcile.walk import OutOfOrderError, Suspect, Walk
from atlas_pipeline.resync.finding import Finding, Progress
from atlas_pipeline.resync.keyless import Keyless
from atlas_pipeline.resync.range_walk import RangeWalk, count_stored
from atlas_pipeline.spec.sync import DELETED_AT

Seen = Callable[[list[Row]], None]


class Whole(Finding):
    """All rows against all documents.

    Args:
        seed: Seed of the fingerprints of rows.
        seen: Called with each batch of rows that is read.
        keyless: Takes care of rows without a usable key.
    """

    def __init__(
        self, sides: Sides, facts: LoadFacts, progress: Progress, *, seed: bytes, seen: Seen, keyless: Keyless
    ) -> None:
        super().__init__(sides, facts, progress)
        self._seed, self._seen, self._keyless = seed, seen, keyless
        self._ranges: RangeWalk | None = None
        self._tally = Tally()
        self._clean = False

    @override
    def suspects(self) -> Iterator[Suspect]:
        sides, table = self.sides, self.sides.table
        marks = sides.ledger.ranges_of(str(sides.published["run_id"])).marks()
        has_primary_key = set(sides.snapshot.primary_key(table.source)) == set(table.key)
        repeated = not has_primary_key and bool(sides.snapshot.duplicate_keys(table))
        try:
            if not sides.codec.order_preserving:
                raise OutOfOrderError
            comparison: RangeWalk | Walk | KeyedComparison
            if has_primary_key and marks:
                comparison = self._ranges = RangeWalk(
                    sides, marks, self._seed, self._seen, self._keyless.meet, self._keyless.known, self._progress
                )
            else:
                comparison = Walk(sides, WHOLE_TABLE, repeated, self._progress, keyless=self._keyless.meet)
            yield from comparison.suspects()
        except OutOfOrderError:  # what it gave until then may be equal after all, and is looked at again
            self._ranges = None
            self._keyless.begin()
            comparison = KeyedComparison(sides, repeated, self._progress, keyless=self._keyless.meet)
            yield from comparison.suspects()
        self._tally = comparison.tally

    @override
    def account(self, done: Corrected) -> None:
        self._clean = not done.left.count
        self._keyless.end()
        self.facts.read, self.facts.unchanged = self._tally.rows, self._tally.equal
        if self._ranges is not None:
            self.facts.ranges = len(self._ranges.marks)
            self.facts.ranges_unchanged = self.facts.ranges - len(self._ranges.walked)
        if self.facts.read != self.facts.source_rows:
            raise DataQualityError(
                f"Table {self.sides.table.source}: the snapshot counts {self.facts.source_rows} rows "
                f"and gave {self.facts.read}.",
                "check the source's primary key index (SQLite: PRAGMA integrity_check; PostgreSQL: amcheck)",
            )

    @override
    def count(self, ledger: TableLedger) -> None:
        collection, policy = self.sides.collection, self.sides.table.sync
        there = collection.count_documents({}, comment=self.sides.comment)
        if policy.deletes == "soft":
            self.facts.soft_deleted = collection.count_documents(
                {DELETED_AT: {"$exists": True}}, comment=self.sides.comment
            )
        expected = self.facts.source_rows - self.facts.quarantined + self.facts.soft_deleted
        known = ledger.published_keys.count()
        if known > there or known != expected:
            ledger.published_keys.tidy(collection, comment=self.sides.comment)
            known = ledger.published_keys.count()
        if known != (expected if policy.foreign_documents == "keep" else there):
            known += self._require_ours(ledger)
        self.facts.kept_foreign = there - known
        self.facts.loaded = known - self.facts.soft_deleted

    def _require_ours(self, ledger: TableLedger) -> int:
        """Raise DataQualityError listing the foreign documents that have the key of a row, and others unless they are
        kept. Those that are what their row maps to become ours where foreign ones may be replaced; gives how many did.
        """
        sides, policy = self.sides, self.sides.table.sync.foreign_documents
        adopted, refused = 0, []
        found = foreign.foreign_ids(sides.collection, ledger.published_ranges(), comment=sides.comment)
        while page := list(islice(found, KEYS_AT_ONCE)):
            equal = []
            for point in look(sides, page):
                if policy == "delete" and point.equal:
                    equal.append(point.identifier)
                elif point.row is not None or policy != "keep":
                    refused.append(repr(point.identifier))
            adopted += len(ledger.learn_keys(equal))
        if refused:
            listed = ", ".join(refused[: foreign.EXAMPLES])
            raise DataQualityError(
                f"{sides.collection.full_name} holds {len(refused):,} documents that this pipeline never loaded, with "
                f"keys of rows, or written during the sync: {listed}.",
                "move them away, or set foreign_documents='delete' in the table's SyncPolicy",
            )
        return adopted

    @override
    def mark(self, ledger: TableLedger) -> None:
        if self._ranges is None or not self._clean:
            return
        store = ledger.published_keys.store
        for one in self._ranges.walked:
            first = None if one.is_first else one.mark.first
            stored = count_stored(self.sides, first, one.before)
            store.mark(one.mark.id, rows=one.rows, stored=stored, fingerprint=one.fingerprint)
        walked = {one.mark.id for one in self._ranges.walked}
        touched = {mark.id for mark in store.marks() if not mark.fingerprint}  # a row in quarantine was tried again
        for at, mark in enumerate(self._ranges.marks):
            if mark.id in touched - walked:
                stored = self._ranges.stored(at)
                store.mark(mark.id, rows=mark.rows, stored=stored, fingerprint=mark.fingerprint)
