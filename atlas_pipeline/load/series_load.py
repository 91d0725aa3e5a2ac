"""A time series, in place: a server cannot rename one, so there is no staging.

The first load makes the collection under its own name and removes it again when it fails. From then on it is compared
first, and nothing is written as long as it is equal. What differs is changed when it is published: the meta groups of
what is too much are removed as a whole, which is all that a server can do, and written again with what is missing; or,
when that is too much, the collection is dropped and loaded anew. Meanwhile readers miss those documents, and the
ledger says so. A run that dies then is healed by the next one, which compares everything again.

What does not belong here: the phases and their order (`table_load`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from typing import Any

from typing_extensions import override

from atlas_pipeline.errors import DataQualityError, TargetError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import indexes
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.foreign import ForeignWatch
from atlas_pipeline.load.range_store import KeyRange
from atlas_pipeline.load.ranges import RangeRecorder
from atlas_pipeline.load.recovery import end_operations
from atlas_pipeline.load.repeats import Repeats, time_columns
from atlas_pipeline.load.series_changes import Changes
from atlas_pipeline.load.series_collection import NamespaceTakenError, SeriesCollection
from atlas_pipeline.load.series_form import fingerprint, in_form, refuse_large
from atlas_pipeline.load.series_held import HeldFromScan
from atlas_pipeline.load.series_update import SeriesUpdate
from atlas_pipeline.load.series_writer import SeriesWriter
from atlas_pipeline.load.table_load import TableLoad
from atlas_pipeline.load.table_work import Document, Observer, unobserved
from atlas_pipeline.load.window_sums import WindowSums
from atlas_pipeline.load.writer import Acknowledged
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.spec.tables import TableSpec

_KEYS = 500
"""Rows that are read by key at once."""


class SeriesLoad(TableLoad):
    """The load of one table into a time series; see `TableLoad` for the order of its methods."""

    held: HeldFromScan

    @override
    def _table_to_map(self) -> TableSpec:
        return in_form(self.table)

    @override
    def _open_collection(self) -> None:
        self._start_over()
        self._series = SeriesCollection(self.database, self.table, comment=self.run.run_id)
        self._expected = WindowSums()
        self._changes: Changes | None = None
        self._carried: list[Document] = (self.ledger.state().get("gap") or {}).get("indexes", [])
        self._first = not self._series.exists()
        if self._first:
            self.ledger.note_loading()
            try:
                self._series.create()
            except NamespaceTakenError:
                self.ledger.forget_loading()
                raise
            self.ledger.note_loading(self._series.uuid())
        self._uuid = self._series.uuid()

    @override
    def _give_up(self, error: BaseException | None, *, lost: bool) -> None:
        if self._first and not lost:
            end_operations(self.database, self.run.run_id)
            self._series.drop()
            self.ledger.forget_loading()

    @override
    def copy(self, observe: Observer = unobserved) -> None:
        self.ledger.phase("load" if self._first else "compare")
        recorder = RangeRecorder(self.ledger)
        with self._writer() as writer, closing(self._rows()) as batches:
            for rows, distinct, repeated in batches:
                mapped = self._take(rows, distinct, repeated, observe)
                if self._first:
                    self._progress(self._note_sent(writer.send(mapped.documents, None)))
                else:
                    self._progress(len(mapped.documents))
                recorder.add(mapped.documents, mapped.ids)
                for document in mapped.documents:
                    moment, form = self._series.form.of_mapped(document)
                    self._expected.add(moment, fingerprint(form))
            self._progress(self._note_sent(writer.finish()))
        recorder.close()
        self._require_every_row()

    @override
    def build(self, sample: Sequence[Row] = ()) -> None:
        facts = self.facts
        self.ledger.phase("check")
        self.held = HeldFromScan(self._series, self._key_hashes(sample))
        found = self._scan(self.held)
        windows = self._expected.differing(found)
        if self._first:
            self._require_equal(windows, found)
            facts.inserted = found.documents
            self.ledger.phase("index")
            early = [index for index in self.table.indexes if index.built_on_staging]
            indexes.create(self._series.collection, early, comment=self.run.run_id)
            self._restore_indexes()
            self.ledger.phase("check")
        elif windows:
            self._changes = self.held.changes = self._locate(found, windows)
        else:
            facts.unchanged = found.documents
        facts.loaded, facts.digest = self._expected.documents, self._expected.digest
        self._count_quarantined()
        self._measure()
        self._guards.require_size(facts.loaded)

    @override
    def publish(self, **facts: Any) -> None:
        self.ledger.phase("rewrite" if self._changes else "ledger")
        self._lease.require()
        if self._series.uuid() != self._uuid:
            raise TargetError(
                f"{self._series.collection.full_name} was dropped or replaced while it was compared.", "run again"
            )
        if self._changes is not None:
            self._apply(self._changes)
        self.ledger.announce(staging=self.table.collection, uuid=self._uuid, facts=self._summary() | facts)
        self.ledger.phase("ledger")
        self.quarantine.publish(self.run.run_id)
        self.ledger.publish()
        self._end("published", **facts)

    @override
    def withhold(self, **facts: Any) -> None:
        if self._first:
            self._series.drop()
            self.ledger.forget_loading()
        self._end("withheld", **facts)

    # --- reading ------------------------------------------------------------------------------------------------------

    def _rows(self) -> Generator[tuple[list[Row], list[Row], list[Reject]]]:
        """All rows in the order of time, which fills buckets best: as read, those to keep, and those that repeat a
        key.
        """
        repeats = Repeats(self.mapper, self.snapshot.repeated_keys(self.table) if self.facts.duplicate_keys else ())
        with closing(read_ahead(self.snapshot.batches(self.table, time_columns(self.table)))) as batches:
            for rows in batches:
                yield rows, *repeats.split(rows)

    def _documents(self) -> Generator[bytes]:
        """All documents once more; their rejects are known."""
        with closing(self._rows()) as batches:
            for _, distinct, _ in batches:
                yield from self._map(distinct).documents

    @override
    def _map(self, rows: list[Row]) -> MappedBatch:
        return refuse_large(super()._map(rows), self.mapper)

    def _key_hashes(self, keys: Sequence[Row]) -> Iterator[bytes]:
        for start in range(0, len(keys), _KEYS):
            rows = self.snapshot.rows_by_key(self.table, keys[start : start + _KEYS])
            yield from map(key_hash, self._map(rows).documents)

    def _scan(self, held: HeldFromScan | None = None) -> WindowSums:
        """The sums over all documents as the server holds them."""
        found = WindowSums()
        for moment, form in self._series.forms():
            print_ = fingerprint(form)
            found.add(moment, print_)
            if held is not None:
                held.look_at(form, print_)
        return found

    def _require_equal(self, windows: Sequence[int], found: WindowSums) -> None:
        if windows:
            expected, width = self._expected, self._expected.width_ms
            raise DataQualityError(
                f"{self._series.collection.full_name}: documents of {len(windows):,} stretches of {width // 1000} s "
                f"are not the bytes that were sent; in the first, from {windows[0] * width // 1000} s since 1970 on, "
                f"{found.count(windows[0]):,} are there and {expected.count(windows[0]):,} should be.",
                "run again; if it happens again, somebody else writes to the collection",
            )

    # --- changing in place --------------------------------------------------------------------------------------------

    def _locate(self, found: WindowSums, windows: list[int]) -> Changes:
        changes = Changes(self._series, self._expected, found, windows)
        watch = self._watch(self.ledger.published_ranges)
        with closing(self._documents()) as documents:
            changes.locate(documents, watch)
        if watch is not None:
            watch.require_none()
        return changes

    def _watch(self, loaded: Callable[[], Iterator[KeyRange]]) -> ForeignWatch | None:
        refuse = self.table.sync.foreign_documents == "refuse"
        return ForeignWatch(self._series.collection.full_name, loaded) if refuse else None

    def _known_ranges(self) -> Iterator[KeyRange]:
        """Of what is published, and of this run: a document that a row maps to is not foreign, whoever wrote it."""
        yield from self.ledger.published_ranges()
        yield from self.recorded_ranges()

    def _apply(self, changes: Changes) -> None:
        update = SeriesUpdate(self._series, changes, documents=self.facts.loaded)
        update.choose(self._watch(self._known_ranges))
        self._carried += indexes.existing_indexes(self._series.collection).values()
        update.remove(self.ledger, self._carried)
        self._uuid = self._series.uuid()
        with self._writer() as writer, closing(self._rows()) as batches:
            for _, distinct, _ in batches:
                due = [document for document in self._map(distinct).documents if update.is_due(document)]
                self._note_sent(writer.send(due, None))
            self._note_sent(writer.finish())
        self._restore_indexes()
        found = self._scan()
        self._require_equal(self._expected.differing(found), found)
        update.tell(self.facts)
        self._measure()

    def _note_sent(self, acknowledged: Iterable[Acknowledged[None]]) -> int:
        sent = [len(document) for one in acknowledged for document in one.documents]
        self.facts.bytes_sent += sum(sent)
        return len(sent)

    def _restore_indexes(self) -> None:
        """What was dropped with a time series that is built anew, by this run or by one that died then."""
        self.facts.carried_indexes = indexes.restore(
            self._series.collection, self._carried, self.table.indexes, comment=self.run.run_id
        )

    def _measure(self) -> None:
        size = self._series.size()
        self.facts.buckets, self.facts.stored_bytes = size.buckets, size.stored_bytes

    def _writer(self) -> SeriesWriter[None]:
        return SeriesWriter(self._series, require=self._lease.require, comment=self.run.run_id)
