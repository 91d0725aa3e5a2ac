"""Filling the staging collection of a reload: with all rows, or behind what an earlier run has left.

Each batch is noted by its number, and each key range when its documents are acknowledged, so that another run can go
on. What does not belong here: what becomes of a staging collection that is full (`reload`), and comparing finished
ranges (`resume`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pymongo.collection import Collection
from typing_extensions import override

from atlas_pipeline.errors import AtlasError, DataQualityError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import duplicates, sharding, staging
from atlas_pipeline.load.fingerprint import raw_bytes
from atlas_pipeline.load.held import HeldById
from atlas_pipeline.load.load_notes import LoadNotes
from atlas_pipeline.load.ranges import RangeRecorder, UnorderedRecorder
from atlas_pipeline.load.recovery import recover_but_keep
from atlas_pipeline.load.resume import Finishing
from atlas_pipeline.load.table_load import Document, Observer, TableLoad, unobserved
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.load.unfinished import Unfinished, forget_others, note_filling, spoil, take_over, terms_of
from atlas_pipeline.load.writer import Acknowledged, BulkWriter
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject


@dataclass(frozen=True, slots=True)
class _Sent:
    """A batch on its way: its number, as mapped, of how many rows, these rows as bytes, and what is noted of them."""

    number: int
    mapped: MappedBatch
    rows: int
    raw: bytes
    notes: LoadNotes


class StagingLoad(TableLoad):
    """The part of a reload that fills its staging collection; see `TableLoad` for the order of its methods."""

    staging: Collection[Document]
    _unfinished: Unfinished | None = None
    _finishing: Finishing | None = None
    _recorder: RangeRecorder
    _batch = 0
    _last_key: Row | None = None

    @override
    def _recover(self) -> list[str]:
        done, self._unfinished = recover_but_keep(
            self.database,
            self.table.collection,
            self.ledger,
            self.quarantine,
            why_not=lambda one: one.why_not(self._terms) or self._unfit(self.snapshot.duplicate_keys(self.table)),
        )
        return done

    @cached_property
    def _options(self) -> Document:
        return staging.options_of(self.database, self.table, self.ledger)

    @cached_property
    def _terms(self) -> dict[str, str]:
        columns = self.snapshot.columns(self.table.source)
        return terms_of(self.table, ((column.name, column.sql_type) for column in columns), self._options)

    @cached_property
    def _codec(self) -> KeyCodec:
        return KeyCodec(self.table)

    def _unfit(self, duplicate_keys: int) -> str:
        """Why no other run can go on with a load of these rows; "" when one can."""
        if not self._codec.order_preserving:
            return "the source orders its keys in another way than the server"
        return "rows repeat the key of another one" if duplicate_keys else ""

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
        self._finishing = Finishing(
            self.staging, ledger=self.ledger, quarantine=self.quarantine, mapper=self.mapper, seed=self.seed
        )
        batches = self._finishing.batches
        self.quarantine.go_on(left.run_ids, batches)
        forget_others(self.ledger, left, run_id)
        self._finishing.clear(comment=run_id)
        self._batch = max(last for _, last in batches) + 1
        self._recorder = RangeRecorder(self.ledger, self.seed, position=self._finishing.next_position)

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
            BulkWriter[_Sent](self.staging, comment=self.run.run_id) as writer,
            closing(read_ahead(self.snapshot.batches(self.table))) as batches,
        ):
            if self._finishing is None:
                for rows in batches:
                    self._send(rows, writer, observe)
                self._settle(writer)
            else:
                self._finish(self._finishing, batches, writer, observe)
        self._require_every_row()

    def _send(self, rows: list[Row], writer: BulkWriter[_Sent], observe: Observer) -> None:
        """Map a batch and send its documents."""
        distinct, repeated = rows, list[Reject]()
        if self.facts.duplicate_keys:
            distinct, repeated = duplicates.split_repeated(self.mapper, rows, self._last_key)
        self._last_key = self.mapper.key_of(rows[-1])
        number = self._batch
        self._batch += 1
        vectors = Counter(self.facts.vectors)
        mapped = self._take(rows, distinct, repeated, observe, batch=number)
        notes = LoadNotes(
            first=self._outermost(rows),
            last=self._outermost(reversed(rows)),
            batches=(number, number),
            newest=mapped.newest,
            fidelity=mapped.fidelity,
            vectors=self.facts.vectors - vectors,
        )
        sent = _Sent(number, mapped, len(rows), raw_bytes(rows) if self._codec.order_preserving else b"", notes)
        self.ledger.phase("load")
        for acknowledged in writer.send(mapped.documents, sent):
            self._acknowledge(acknowledged)

    def _outermost(self, rows: Iterable[Row]) -> Any:
        """The first `_id` that one of these rows has, or would have if it was not refused."""
        found = (self._codec.identifier(self.mapper.key_of(row)) for row in rows)
        return next((identifier for identifier in found if identifier is not None), None)

    def _settle(self, writer: BulkWriter[_Sent]) -> None:
        """Wait until all that was sent is acknowledged, and record it."""
        for acknowledged in writer.finish():
            self._acknowledge(acknowledged)
        self._recorder.close()

    def _finish(
        self, finishing: Finishing, batches: Iterable[list[Row]], writer: BulkWriter[_Sent], observe: Observer
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

    def _acknowledge(self, acknowledged: Acknowledged[_Sent]) -> None:
        sent, refused = acknowledged.payload, acknowledged.refused
        mapped = sent.mapped
        rejects = [self.mapper.reject(mapped.rows[i], "", code, why) for i, (code, why) in refused.items()]
        self._reject(rejects, batch=sent.number)
        sent.notes.document_bytes = sum(map(len, mapped.documents))
        documents, ids = acknowledged.documents, mapped.ids
        if refused:
            documents = [document for i, document in enumerate(documents) if i not in refused]
            ids = [key for i, key in enumerate(ids) if i not in refused]
        self._recorder.add(documents, ids, rows=sent.rows, raw=sent.raw, notes=sent.notes)
        self.facts.bytes_sent += sum(map(len, documents))
        self._progress(len(documents))

    @override
    def _map(self, rows: list[Row]) -> MappedBatch:
        mapped = super()._map(rows)
        if self.enricher is not None:
            self.facts.vectors.update(self.enricher.enrich_batch(mapped, self.mapper).by_origin())
        return mapped
