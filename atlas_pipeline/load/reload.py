"""An ordinary collection by reload: into a staging collection beside it, verified, then swapped in.

Readers see the old collection or the new one, never half of either. What does not belong here: the phases and their
order (`table_load`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from typing import Any

from pymongo.collection import Collection
from typing_extensions import override

from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import duplicates, foreign, indexes, staging
from atlas_pipeline.load.held import HeldById
from atlas_pipeline.load.ranges import RangeRecorder, UnorderedRecorder
from atlas_pipeline.load.table_load import Document, Observer, TableLoad, unobserved
from atlas_pipeline.load.target import collection_info, collection_uuid
from atlas_pipeline.load.writer import Acknowledged, BulkWriter
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject


class Reload(TableLoad):
    """The reload of one table into an ordinary collection; see `TableLoad` for the order of its methods."""

    staging: Collection[Document]

    @override
    def _open_collection(self) -> None:
        self.staging = staging.create_staging(self.database, self.table.collection, self.run, self.ledger)
        self.held = HeldById(self.staging, comment=self.run.run_id)

    @override
    def _give_up(self, *, lost: bool) -> None:
        if lost:  # who has the table now removed our staging collection; a late write of ours remade it
            self.staging.drop(comment=self.run.run_id)

    @override
    def copy(self, observe: Observer = unobserved) -> None:
        ordered = KeyCodec(self.table).order_preserving
        self._recorder = recorder = RangeRecorder(self.ledger) if ordered else UnorderedRecorder(self.ledger)
        with (
            BulkWriter[MappedBatch](self.staging, comment=self.run.run_id) as writer,
            closing(read_ahead(self.snapshot.batches(self.table))) as batches,
        ):
            last_key: Row | None = None
            for rows in batches:
                distinct, repeated = rows, list[Reject]()
                if self.facts.duplicate_keys:
                    distinct, repeated = duplicates.split_repeated(self.mapper, rows, last_key)
                last_key = self.mapper.key_of(rows[-1])
                mapped = self._take(rows, distinct, repeated, observe)
                self.ledger.phase("load")
                for acknowledged in writer.send(mapped.documents, mapped):
                    self._acknowledge(acknowledged, recorder)
            for acknowledged in writer.finish():
                self._acknowledge(acknowledged, recorder)
        recorder.close()
        self._require_every_row()

    @override
    def _map(self, rows: list[Row]) -> MappedBatch:
        mapped = super()._map(rows)
        if self.enricher is not None:
            self.facts.vectors.update(self.enricher.enrich_batch(mapped, self.mapper).by_origin())
        return mapped

    @override
    def build(self, sample: Sequence[Row] = ()) -> None:
        self.ledger.phase("check")
        if isinstance(self._recorder, UnorderedRecorder):
            self.facts.digest = staging.verify_unordered(self.staging, self._recorder, self.ledger, self.run)
        else:
            self.facts.digest = staging.verify_digest(self.staging, self.ledger, self.run)
        self.ledger.phase("index")
        removed = sum(
            duplicates.build_unique(
                self.staging,
                index,
                snapshot=self.snapshot,
                mapper=self.mapper,
                quarantine=self.quarantine,
                ledger=self.ledger,
                comment=self.run.run_id,
            )
            for index in self.table.indexes
            if index.unique
        )
        early = [index for index in self.table.indexes if index.built_on_staging and not index.unique]
        indexes.create(self.staging, early, comment=self.run.run_id)
        if removed:
            self.facts.digest = staging.digest_of(self.staging, self.ledger, self.run)
        self.ledger.phase("check")
        self.facts.loaded = self.facts.inserted = self.staging.count_documents({}, comment=self.run.run_id)
        self._count_quarantined()
        self._guards.require_size(self.facts.loaded)

    @override
    def publish(self, **facts: Any) -> None:
        comment = self.run.run_id
        self.ledger.phase("rename")
        if collection_info(self.database, self.table.collection) is not None:
            live = self.database[self.table.collection]
            self.facts.carried_indexes = indexes.carry_over(live, self.staging, self.table.indexes, comment=comment)
            if self.table.sync.foreign_documents == "keep":  # late, for what is written from here on is not kept
                self.facts.kept_foreign = foreign.copy_into(
                    self.staging, live, self.ledger.published_ranges(), comment=comment
                )
            self._guards.require_no_foreign()
        self._lease.require()
        uuid = collection_uuid(self.database, self.staging.name)
        self.ledger.announce(staging=self.staging.name, uuid=uuid, facts=self._summary() | facts)
        staging.swap(self.staging, self.table.collection, comment=comment)
        self.ledger.phase("ledger")
        self.quarantine.publish(self.run.run_id)
        self.ledger.publish()
        self.ledger.forget_staging(self.staging.name)
        self._end("published", **facts)

    @override
    def withhold(self, **facts: Any) -> None:
        self.staging.drop(comment=self.run.run_id)
        self.ledger.forget_staging(self.staging.name)
        self._end("withheld", **facts)

    def _acknowledge(self, acknowledged: Acknowledged[MappedBatch], recorder: RangeRecorder) -> None:
        mapped, refused = acknowledged.payload, acknowledged.refused
        self._reject([self.mapper.reject(mapped.rows[i], "", code, why) for i, (code, why) in refused.items()])
        documents, ids = acknowledged.documents, mapped.ids
        if refused:
            documents = [document for i, document in enumerate(documents) if i not in refused]
            ids = [key for i, key in enumerate(ids) if i not in refused]
        recorder.add(documents, ids)
        self.facts.bytes_sent += sum(map(len, documents))
        self._progress(len(documents))
