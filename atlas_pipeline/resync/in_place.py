"""Bringing a published collection to what its table holds, in place: only what differs is written.

    with InPlace(...) as sync:       lease, recovery of dead runs, refusals before anything is read
        sync.find()                  the keys that differ, by the way that was chosen
        sync.apply()                 correct them, look at them again, try the quarantine again
        ...                          the caller's checks, against the same snapshot and the live collection
        sync.record()                what the ledger says of the published collection

Whoever dies in between leaves a collection whose every document is old or new, and a ledger that knows every key; the
next sync goes on. What does not belong here: ways of finding (`ways`), and correcting
(`atlas_pipeline.reconcile.corrections`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, islice
from typing import Any

from typing_extensions import override

from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load.fingerprint import seed_of
from atlas_pipeline.load.held import HeldById
from atlas_pipeline.load.ranges import RANGE_DOCUMENTS
from atlas_pipeline.load.replay import Replay
from atlas_pipeline.load.validators import ensure_validator
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.corrections import Corrected, Corrections, Means
from atlas_pipeline.reconcile.differences import Kind
from atlas_pipeline.reconcile.rounds import correct_all, page_size
from atlas_pipeline.reconcile.walk import Suspect
from atlas_pipeline.resync.found import Found
from atlas_pipeline.resync.keyless import Keyless
from atlas_pipeline.resync.published_sync import PublishedSync
from atlas_pipeline.resync.scope import Part
from atlas_pipeline.resync.ways import finding_of

PAGE = 500
SAMPLED = 1_000
"""Changed rows that are looked at once more, as part of the sample."""


class InPlace(PublishedSync):
    """The sync of one published table in place; see the module's charter for the order of its methods.

    Args:
        part: Which part of the table, by the way `part`.
        given: As for `PublishedSync`.
    """

    def __init__(self, *, part: Part | None = None, **given: Any) -> None:
        super().__init__(**given)
        self._part = part or Part()

    @override
    def _prepare(self, undo: ExitStack) -> None:
        self._open_sides()
        ensure_validator(self.database, self.table, self.ledger)  # before a document by a changed spec is written
        self.held = HeldById(self.sides.collection, comment=self.run.run_id)
        if self.facts.recovered:
            self.ledger.note_changed(quarantined=self._entries.count())
        name, policy = self.sides.collection.full_name, self.table.sync.foreign_documents
        self._found = undo.enter_context(Found(name, self.ledger, policy))

    # --- finding -----------------------------------------------------------------------------------------------------

    def find(self, observe: Callable[[list[Row]], None] = lambda _: None) -> None:
        """Find the keys that differ, and judge foreign documents before anything is changed.

        Args:
            observe: Called with each batch of rows that is read as a whole.

        Raises:
            SourceError: The source cannot be read on, or a row has no moment and the policy refuses that.
            TargetError: Foreign documents are in the way.
        """
        self.ledger.phase("read")
        self._finding = finding_of(
            self.sides,
            part=self._part,
            facts=self.facts,
            seed=seed_of(self.table, self.mapper.lookups, self.enricher.model if self.enricher else ""),
            seen=observe,
            keyless=lambda: Keyless(self.table, self._entries, self._add, self._sealer),
            progress=self._progress,
        )
        suspects = chain(self._finding.suspects(), self._reported())
        while page := list(islice(suspects, PAGE)):
            self._add(self._found.note(page))
        self._found.require_no_foreign()

    def _add(self, rejects: Sequence[Reject]) -> None:
        """Put refused rows into the quarantine that are not there."""
        published = str(self.sides.published["run_id"])
        self._entries.add(rejects, published_run=published, run=self.run, sealer=self._sealer)

    def _reported(self) -> Iterator[Suspect]:
        """What verifications found and nobody has corrected: a fingerprint of rows tells nothing of documents that
        somebody else changed.
        """
        if self.way != "part":
            for one in self._records.differences():
                if not one.keyless:
                    yield Suspect(one.identifier)

    def some_found(self, seed: int) -> list[Row]:
        """Keys of some of the rows that were found, chosen by a seed."""
        step = max(1, self._found.writes // SAMPLED)
        first = seed % step
        chosen = islice((one for one in self._found.all() if one.kind is Kind.VALUE), first, None, step)
        keys = (self.sides.codec.source_key(one.identifier) for one in chosen)
        return [key for key in keys if key is not None]

    # --- applying ----------------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Correct what was found, look at it again, and try the rows in quarantine again.

        Raises:
            LeaseHeldError: The lease was lost.
            TargetError: The server refused for a reason that no single document explains, or a count does not add up.
            DataQualityError: A document that was written is not what its row maps to when it is looked at again.
        """
        self.ledger.phase("apply")
        means = Means(
            run=self.run,
            lease=self._lease,
            ledger=self.ledger,
            entries=self._entries,
            records=self._records,
            sealer=self._sealer,
            delete_foreign=self.table.sync.foreign_documents == "delete",
            after_dead_run=bool(self.facts.recovered),
        )
        size = page_size(self.sides)
        corrections = Corrections(self.sides, means, write=True)
        further = correct_all(corrections, self._found.all(), size)
        done = corrections.done
        self._require_corrected(done)
        self._replay()
        self.facts.inserted += done.inserted
        self.facts.replaced += done.replaced
        self.facts.deleted += done.deleted + done.marked
        self.facts.marked += done.marked
        self.facts.vectors.update(done.vectors)
        if self.way != "part":  # of which nobody knows what else has changed meanwhile
            self.facts.newest = max(filter(None, (self.sides.synced_until, done.newest)), default=None)
        self._finding.account(done)
        self.ledger.phase("check")
        if done.changes:
            again = Corrections(self.sides, means, write=False)
            correct_all(again, chain(self._found.all(), further), size)
            self._require_corrected(again.done)
        self.facts.quarantined = self._entries.count()
        self.facts.discarded = self._entries.count({"discarded": True})
        self._finding.count(self.ledger)
        if not (self.facts.inserted or self.facts.replaced or self.facts.deleted):
            self.facts.digest = str(self.sides.published.get("digest", ""))

    def _replay(self) -> None:
        """Rows in quarantine may land by now: what was in their way may be gone."""
        if not self._entries.count():
            return
        replay = Replay(
            target=self._target,
            catalog=self.catalog,
            table=self.table,
            snapshot=self.snapshot,
            run=self.run,
            enricher=self.enricher,
            sealer=self._sealer,
        )
        self.facts.inserted += replay.again(self.mapper, self._entries, self._lease.require).inserted

    def _require_corrected(self, done: Corrected) -> None:
        if done.left.count:
            told = "; ".join(f"{one.key}: {why}" for one, why in done.left.listed[:3])
            raise DataQualityError(
                f"{self.sides.collection.full_name}: {done.left.count:,} keys could not be brought in step: {told}.",
                "find out who else writes to this collection, then sync again",
            )

    # --- recording ---------------------------------------------------------------------------------------------------

    @override
    def record(self, **facts: Any) -> None:
        """Record what is published now, and which ranges of rows it was made of; see `PublishedSync.record`."""
        self.ledger.phase("ledger")
        self._finding.mark(self.ledger)
        self.ledger.published_keys.recut(self.sides.collection, RANGE_DOCUMENTS, comment=self.run.run_id)
        self._record(**facts)
