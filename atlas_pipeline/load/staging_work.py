"""Rows on their way into a staging collection: mapped, sent, and noted by key range once they are acknowledged.

Each batch is noted by its number, and each key range when its documents are acknowledged, so that another step or run
can go on. What does not belong here: which rows (`staging_load`, `stretch_load`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pymongo.collection import Collection
from typing_extensions import override

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import duplicates, staging
from atlas_pipeline.load.fingerprint import RawBytes, raw_bytes_of
from atlas_pipeline.load.load_notes import LoadNotes
from atlas_pipeline.load.ranges import RangeRecorder
from atlas_pipeline.load.recovery import recover_but_keep
from atlas_pipeline.load.table_work import Document, Observer, TableWork
from atlas_pipeline.load.unfinished import Unfinished, terms_of
from atlas_pipeline.load.writer import Acknowledged, BulkWriter
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch on its way: its number, as mapped, of how many rows, these rows as bytes, and what is noted of them."""

    number: int
    mapped: MappedBatch
    rows: int
    raw: bytes
    notes: LoadNotes


class StagingWork(TableWork):
    """What a run does to the staging collection of one table."""

    staging: Collection[Document]
    _unfinished: Unfinished | None = None
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

    @cached_property
    def _raw_bytes(self) -> RawBytes:
        return raw_bytes_of(self.table)

    def _unfit(self, duplicate_keys: int) -> str:
        """Why no other run can go on with a load of these rows; "" when one can."""
        if not self._codec.order_preserving:
            return "the source orders its keys in another way than the server"
        return "rows repeat the key of another one" if duplicate_keys else ""

    def _send(self, rows: list[Row], writer: BulkWriter[Sent], observe: Observer) -> None:
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
        sent = Sent(number, mapped, len(rows), self._raw_bytes(rows) if self._codec.order_preserving else b"", notes)
        self.ledger.phase("load")
        for acknowledged in writer.send(mapped.documents, sent):
            self._acknowledge(acknowledged)

    def _outermost(self, rows: Iterable[Row]) -> Any:
        """The first `_id` that one of these rows has, or would have if it was not refused."""
        found = (self._codec.identifier(self.mapper.key_of(row)) for row in rows)
        return next((identifier for identifier in found if identifier is not None), None)

    def _settle(self, writer: BulkWriter[Sent]) -> None:
        """Wait until all that was sent is acknowledged, and record it."""
        for acknowledged in writer.finish():
            self._acknowledge(acknowledged)
        self._recorder.close()

    def _acknowledge(self, acknowledged: Acknowledged[Sent]) -> None:
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
