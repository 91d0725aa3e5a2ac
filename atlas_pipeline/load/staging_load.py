"""Filling the staging collection of a reload: with all rows, or behind what an earlier run has left.

What does not belong here: how rows get there (`staging_work`), what becomes of a staging collection that is full
(`reload`), and comparing finished ranges (`resume`).
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing

from typing_extensions import override

from atlas_pipeline.errors import AtlasError, DataQualityError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import sharding, staging
from atlas_pipeline.load.held import HeldById
from atlas_pipeline.load.load_notes import LoadNotes
from atlas_pipeline.load.ranges import RangeRecorder, UnorderedRecorder
from atlas_pipeline.load.resume import Finishing
from atlas_pipeline.load.staging_work import Sent, StagingWork
from atlas_pipeline.load.stretch_plan import StretchPlan
from atlas_pipeline.load.table_load import TableLoad
from atlas_pipeline.load.table_work import Observer, unobserved
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.load.unfinished import Unfinished, forget_others, note_filling, spoil, take_over
from atlas_pipeline.load.writer import BulkWriter


class StagingLoad(StagingWork, TableLoad):
    """The part of a reload that fills its staging collection; see `TableLoad` for the order of its methods."""

    _finishing: Finishing | None = None
    _of_our_steps = False
    """Whether earlier steps of this very run have loaded what is there."""

    @override
    def _open_collection(self) -> None:
        left = self._unfinished
        if left is None:
            self._start_over()
            self.staging = staging.create_staging(self.database, self.table, self.run, self.ledger, self._options)
            sharding.spread(self.staging, self.table, self.snapshot)
            uuid = collection_uuid(self.database, self.staging.name)
            note_filling(self.ledger, uuid, self._terms, spoiled=self._unfit(self.facts.duplicate_keys))
            ordered = self._codec.order_preserving
            self._recorder = RangeRecorder(self.ledger, self.seed) if ordered else UnorderedRecorder(self.ledger)
        else:
            self.staging = self.database[left.name]
            self._go_on(left)
        self.held = HeldById(self.staging, comment=self.run.run_id)

    def _go_on(self, left: Unfinished) -> None:
        run_id = self.run.run_id
        if run_id not in left.run_ids:
            self.ledger.forget_ranges_of_this_run()
        note_filling(self.ledger, left.uuid, self._terms, spoiled="", resumed_from=left.run_ids[-1])
        take_over(self.ledger, left, run_id)
        self._take_over_stretches(left)
        self._finishing = Finishing(
            self.staging, ledger=self.ledger, quarantine=self.quarantine, mapper=self.mapper, seed=self.seed
        )
        batches = self._finishing.batches
        self.quarantine.go_on(left.run_ids, batches)
        forget_others(self.ledger, left, run_id)
        self._finishing.clear(comment=run_id)
        self._batch = max(last for _, last in batches) + 1
        self._recorder = RangeRecorder(self.ledger, self.seed, position=self._finishing.next_position)

    def _take_over_stretches(self, left: Unfinished) -> None:
        """From now on this load does what is still to be done of a plan. Of a stretch that nobody has loaded to its end
        there may be documents that are in no key range.
        """
        plan = StretchPlan(self.ledger)
        for planned in plan.of(left.uuid):
            self._of_our_steps = left.run_ids == (self.run.run_id,)
            self.facts.bytes_sent += planned.sent_bytes
            if not planned.loaded:
                ranges = self.ledger.ranges_of_this_run()
                planned.clear(self.staging, ranges, self.quarantine, comment=self.run.run_id)
        plan.remove()

    @override
    def _give_up(self, error: BaseException | None, *, lost: bool) -> None:
        if lost:  # who has the table now took our staging collection; a late write of ours remade it
            self.staging.drop(comment=self.run.run_id)
        elif isinstance(error, Exception) and (
            isinstance(error, DataQualityError) or not isinstance(error, AtlasError)
        ):
            spoil(self.ledger, f"it failed with {type(error).__name__}")

    # --- copying -----------------------------------------------------------------------------------------------------

    @override
    def copy(self, observe: Observer = unobserved) -> None:
        with (
            BulkWriter[Sent](self.staging, comment=self.run.run_id, batch_bytes=self.snapshot.batch_bytes) as writer,
            closing(read_ahead(self.snapshot.batches(self.table))) as batches,
        ):
            if self._finishing is None:
                for rows in batches:
                    self._send(rows, writer, observe)
                self._settle(writer)
            else:
                self._finish(self._finishing, batches, writer, observe)
        self._require_every_row()

    def _finish(
        self, finishing: Finishing, batches: Iterable[list[Row]], writer: BulkWriter[Sent], observe: Observer
    ) -> None:
        """Keep the ranges that an earlier run has finished, and load what changed in them and what is missing."""
        comment = self.run.run_id
        writing, current = False, None
        for piece in finishing.pieces(batches):
            if piece.kept and piece.finished is not None:
                self._keep(piece.rows, piece.finished.notes, observe)
                continue
            if not writing:
                finishing.drop_indexes(comment=comment)
                writing = True
            if piece.finished is not current:
                self._settle(writer)
                current = piece.finished
                if current is not None:
                    finishing.forget(current, comment=comment)
                    self._recorder.replace(current.mark.id)
            if piece.rows:
                self._send(piece.rows, writer, observe)
        self._settle(writer)
        self.ledger.note(ranges_reused=finishing.kept, ranges_repeated=finishing.repeated)
        assert self._unfinished is not None
        if self._of_our_steps:
            self.facts.ranges, self.facts.ranges_unchanged = finishing.ranges, finishing.kept
            return
        self.facts.recovered.append(
            f"this run went on with the reload of run {self._unfinished.run_ids[-1]}; key ranges kept: "
            f"{finishing.kept:,}, changed and loaded again: {finishing.repeated:,}"
        )

    def _keep(self, rows: list[Row], notes: LoadNotes, observe: Observer) -> None:
        """Account for rows whose documents are there."""
        self.facts.read += len(rows)
        self.facts.fidelity.update(notes.fidelity)
        self.facts.newest = max(filter(None, (self.facts.newest, notes.newest)), default=None)
        self.facts.vectors.update(notes.vectors)
        self.facts.document_bytes += notes.document_bytes
        observe(rows, None)
        self._progress(len(rows))
