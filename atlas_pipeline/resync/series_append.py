"""A time series that only grows: the rows of a window of time against the documents of that window, and what is missing
is inserted.

    with SeriesAppend(...) as sync:      as `PublishedSync`
        sync.find()                      compare the window; `whole_because` says why that is not enough
        sync.apply()                     insert what is missing, read the window again, and count
        ...                              the caller's checks, against the same snapshot and `sync.held`
        sync.record()                    what the ledger says of the published collection

Both sides are compared as multisets, so a document is written once however often its row is read, and a run that died
is gone on with. A row of the window that was changed or deleted needs more than an insert: then nothing is written
here, and the caller compares the whole table instead (`atlas_pipeline.load.series_load`). What does not belong here:
rows before the window, which only a sync of the whole table finds.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import Any

from typing_extensions import override

from atlas_pipeline.errors import DataQualityError, SourceError
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row, Window
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.foreign import ForeignWatch
from atlas_pipeline.load.range_store import KeyRange
from atlas_pipeline.load.repeats import time_columns
from atlas_pipeline.load.series_changes import Changes
from atlas_pipeline.load.series_collection import SeriesCollection
from atlas_pipeline.load.series_form import Moment, fingerprint, refuse_large
from atlas_pipeline.load.series_held import HeldFromScan
from atlas_pipeline.load.series_writer import SeriesWriter
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.load.window_sums import WindowSums
from atlas_pipeline.load.writer import Acknowledged
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.reconcile.sides import moment_of
from atlas_pipeline.resync.published_sync import PublishedSync
from atlas_pipeline.resync.refused_again import RefusedAgain
from atlas_pipeline.resync.some_of_all import SomeOfAll
from atlas_pipeline.resync.watermark import oddities_of, read_from, warnings_of
from atlas_pipeline.resync.ways import require_index
from atlas_pipeline.spec.sync import Cursor

SAMPLED = 1_000
"""Rows of the window that are looked at once more, as the sample."""


class SeriesAppend(PublishedSync):
    """The sync of one published time series by a window of time; see the module's charter.

    Attributes:
        whole_because: Why the window alone does not bring the time series in step, as a sentence; "" when it does.
    """

    whole_because = ""

    @override
    def _prepare(self, undo: ExitStack) -> None:
        self._changes: Changes | None = None
        self._expected, self._found = WindowSums(), WindowSums()
        state = self.ledger.state()
        published = state["published"]
        self.whole_because = self._unfit(state)
        if self.whole_because:
            return
        self._open_sides()
        assert self.sides.series is not None
        assert self.table.sync.cursor is not None
        self._series: SeriesCollection = self.sides.series
        self._cursor: Cursor = self.table.sync.cursor
        # Whole minutes, for windows of sums begin with those.
        self._since = read_from(published["watermark"], self._cursor).replace(second=0, microsecond=0)
        self._first: Moment = int(self._since.timestamp()) * 1_000
        self._keys = self.ledger.published_keys
        self._known = self._keys.count()
        if self._known == published["documents"]:  # also after a run that died right before it would have said so
            self._keys.store.settle()
        self._unsettled = self._keys.store.unsettled()
        self._left_over: set[bytes] = set()
        if published.get("spec") != self.table.fingerprint:
            self.whole_because = "the spec, or a column of the source, has changed since the last sync"
        elif self._known != published["documents"] + len(self._unsettled):
            self.whole_because = f"the ledger knows {self._known:,} keys of {published['documents']:,} documents"
        elif self._records.count():
            self.whole_because = "a verification has found differences"

    def _unfit(self, state: dict[str, Any]) -> str:
        name = self.table.collection
        if gap := state.get("gap"):
            return f"run {gap['run_id']} died while it rewrote the time series"
        if collection_uuid(self.database, name) != state["published"]["uuid"]:
            return f"{name} is not the collection that was published"
        if set(self.snapshot.primary_key(self.table.source)) != set(self.table.key):
            return f"{', '.join(self.table.key)} is no primary key at the source, so rows may repeat it"
        return ""

    # --- finding -----------------------------------------------------------------------------------------------------

    def find(self) -> None:
        """Compare the window, and see to the rows of it that are refused.

        Raises:
            SourceError: The source cannot be read on, no index leads with the cursor, or a row has no moment and the
                policy refuses that.
            TargetError: Foreign documents are in the window.
        """
        if self.whole_because:
            return
        self.ledger.phase("compare")
        require_index(self.sides, self._cursor, self.facts)
        self._sum_up_rows()
        self._found = self._scan()
        if windows := self._expected.differing(self._found):
            self._locate(windows)

    def _sum_up_rows(self) -> None:
        facts, sides = self.facts, self.sides
        self._sampled = SomeOfAll[tuple[Row, bytes]](SAMPLED, seed=self.run.run_id)
        self._refused = RefusedAgain(sides, self._entries, run=self.run, sealer=self._sealer)
        with closing(read_ahead(self._rows(self._since))) as batches:
            for rows in batches:
                self._watch_moments(rows)
                mapped = self._map(rows)
                facts.read += len(rows)
                facts.fidelity.update(mapped.fidelity)
                if mapped.newest is not None:
                    facts.newest = max(facts.newest or mapped.newest, mapped.newest)
                for row, document in zip(mapped.rows, mapped.documents, strict=True):
                    moment, form = self._series.form.of_mapped(document)
                    if moment >= self._first:
                        self._expected.add(moment, fingerprint(form))
                        hashed = key_hash(document)
                        if hashed in self._unsettled:
                            self._left_over.add(hashed)
                        self._sampled.add((self.mapper.key_of(row), hashed))
                self._refused.look_at(mapped)
                self._progress(len(rows))
        facts.warnings += warnings_of(self.snapshot.time, self._cursor)
        facts.warnings += oddities_of(self._cursor.column, ahead=self._ahead, without=self._without)

    _ahead = _without = 0

    def _watch_moments(self, rows: list[Row]) -> None:
        column = self.table.column(self._cursor.column)
        moment_in, at = moment_of(column), self.table.column_names.index(column.name)
        for row in rows:
            moment = moment_in(row[at])
            self._ahead += moment is not None and moment > self.snapshot.time.now
            self._without += moment is None
            if moment is None and self._cursor.on_null == "error":
                raise SourceError(
                    f"Table {self.table.source}: row {', '.join(map(str, self.mapper.key_of(row)))} has no moment in "
                    f"{column.name}, and the policy on_null is 'error'.",
                    "give it one at the source, or set on_null='read'",
                )

    def _locate(self, windows: list[int]) -> None:
        changes = Changes(self._series, self._expected, self._found, windows, since=self._first)
        watch = None
        if self.table.sync.foreign_documents == "refuse":
            watch = ForeignWatch(self._series.collection.full_name, self.ledger.published_ranges)
        with closing(self._mapped_of(windows)) as batches:
            changes.locate((document for mapped in batches for document in mapped.documents), watch)
        if watch is not None:
            watch.require_none()
        if changes.rebuild or changes.extra:
            self.whole_because = f"a row in the window from {self._since:%Y-%m-%d %H:%M} UTC on was changed or deleted"
        else:
            self._changes = changes

    def give_way(self) -> None:
        """Leave the table to a comparison of all of it, which records this run anew."""
        self.facts.warnings.append(f"{self.whole_because}: the whole table was compared")
        self._end("gave way")

    # --- reading -----------------------------------------------------------------------------------------------------

    def _rows(self, since: datetime) -> Generator[list[Row]]:
        window = Window(column=self._cursor.column, since=since, nulls=True)
        yield from self.snapshot.batches(self.table, time_columns(self.table), window=window)

    def _map(self, rows: list[Row]) -> MappedBatch:
        return refuse_large(self.mapper.map_batch(rows), self.mapper)

    def _mapped_of(self, windows: list[int]) -> Generator[MappedBatch]:
        """The rows once more, from the first of these windows on."""
        first = max(windows[0] * self._expected.width_ms, self._first)
        with closing(read_ahead(self._rows(datetime.fromtimestamp(first // 1_000, UTC)))) as batches:
            for rows in batches:
                yield self._map(rows)

    def _scan(self) -> WindowSums:
        """The sums over the documents of the window as the server holds them; keeps those of the sample."""
        found = WindowSums()
        self.held = held = HeldFromScan(self._series, (hashed for _, hashed in self._sampled.chosen))
        for moment, form in self._series.since(self._first):
            print_ = fingerprint(form)
            found.add(moment, print_)
            held.look_at(form, print_)
        return found

    def sampled(self) -> list[Row]:
        """Keys of some rows of the window."""
        return [key for key, _ in self._sampled.chosen]

    # --- writing -----------------------------------------------------------------------------------------------------

    def apply(self) -> None:
        """Insert what is missing, read the window again, and count.

        Raises:
            LeaseHeldError: The lease was lost.
            TargetError: The server refused, or a count does not add up.
            DataQualityError: The window is not what was mapped when it is read again, or the ledger does not add up.
        """
        facts = self.facts
        self.ledger.phase("apply")
        learned = 0 if self._changes is None else self._insert(self._changes)
        self.ledger.phase("check")
        if facts.inserted:
            self._found = self._scan()
            if windows := self._expected.differing(self._found):
                raise DataQualityError(
                    f"{self._series.collection.full_name}: documents of {len(windows):,} stretches of "
                    f"{self._found.width_ms // 1_000} s are not the bytes that were sent.",
                    "run again; if it happens again, somebody else writes to the collection",
                )
        facts.unchanged = self._expected.documents - facts.inserted
        self._refused.close_landed()
        self._count(learned)

    def _insert(self, changes: Changes) -> int:
        """Insert the missing documents; gives how many keys of them were not known."""
        windows, learned = self._expected.differing(self._found), 0
        writer: SeriesWriter[None] = SeriesWriter(self._series, require=self._lease.require, comment=self.run.run_id)
        with writer, closing(self._mapped_of(windows)) as batches:
            for mapped in batches:
                due = [
                    at
                    for at, document in enumerate(mapped.documents)
                    if changes.is_missing(*self._series.form.of_mapped(document))
                ]
                documents = [mapped.documents[at] for at in due]
                learned += self._learn(documents, [mapped.ids[at] for at in due])
                self._note_sent(writer.send(documents, None))
            self._note_sent(writer.finish())
        return learned

    def _note_sent(self, acknowledged: Iterable[Acknowledged[None]]) -> None:
        for one in acknowledged:
            self.facts.inserted += len(one.documents)
            self.facts.bytes_sent += sum(map(len, one.documents))

    def _learn(self, documents: list[bytes], ids: list[Any]) -> int:
        """Let the ledger know keys before their documents are there."""
        hashes = [key_hash(document) for document in documents]
        new = [at for at, hashed in enumerate(hashes) if hashed not in self._unsettled]
        if new:
            self._lease.require()
            keys = b"".join(hashes[at] for at in new)
            self._keys.store.add_unsettled(KeyRange(first=ids[new[0]], documents=len(new), digest=b"", keys=keys))
        return len(new)

    def _count(self, learned: int) -> None:
        facts, published, store = self.facts, self.sides.published, self._keys.store
        if gone := self._unsettled - self._left_over:  # a run that died had learned them, and their rows went since
            store.forget_keys(gone)
        facts.loaded, expected = self._keys.count(), self._known + learned - len(gone)
        if facts.loaded != expected:
            raise DataQualityError(
                f"{self._series.collection.full_name}: {facts.inserted:,} documents were inserted, which makes "
                f"{expected:,} keys; the ledger knows {facts.loaded:,}.",
                "sync the table with --mode reconcile",
            )
        facts.source_rows = int(published["source_rows"])
        facts.quarantined = self._entries.count()
        facts.discarded = self._entries.count({"discarded": True})
        size, before = self._series.size(), published.get("time_series", {})
        facts.buckets, facts.stored_bytes = size.buckets, size.stored_bytes
        facts.document_bytes = int(before.get("document_bytes", 0)) + facts.bytes_sent

    @override
    def record(self, **facts: Any) -> None:
        """Record what is published now; see `PublishedSync.record`."""
        self.ledger.phase("ledger")
        self._record(**facts)
        self._keys.store.settle()
