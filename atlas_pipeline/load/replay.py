"""Rows in quarantine, tried again: read anew at the source, mapped by the spec as it is now, written, and proven.

An entry is closed when its document has been read back byte for byte, or when its row is gone at the source. A run
that dies in between leaves a document and its entry, never neither; trying again, or a sync, closes the entry. What
does not belong here: which entries are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import bson
from pymongo.errors import PyMongoError

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.apply import apply_changes
from atlas_pipeline.load.evolution import as_synced
from atlas_pipeline.load.held import HeldById
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine, described
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.raw_values import source_key, storable_key
from atlas_pipeline.load.recovery import recover_leaving_staging
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.load.target import Target, collection_info, require_plain
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.mapping.reject import Reject, RejectCode
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from atlas_pipeline.embedding.enrich import Enricher

Document = dict[str, Any]
Written = dict[bytes, str]

BATCH = 100
"""Entries whose rows are read and written at once."""
SERIES = "a time series holds keys more than once and finds none of them, so it cannot be proven there; sync the table"
LOST_KEY = (
    "its key is NULL or no whole text, so the row cannot be asked for; repair it at the source and sync the table"
)
FOREIGN = "a foreign document, which this pipeline never loaded, has its key; move it away"
OTHER_BYTES = "its document was changed by somebody else right after it was written; replay it again"


@dataclass(slots=True)
class Replayed:
    """What became of the entries of one table, without raw rows.

    Attributes:
        landed: Closed, for the document of the row is there.
        gone: Closed, for the row is gone at the source.
        remaining: Entries as they are now, each with a `note` on why it remains.
        recovered: Sentences on what was found of dead runs and done about it.
        inserted: Documents that were not there before.
    """

    landed: list[Document] = field(default_factory=list)
    gone: list[Document] = field(default_factory=list)
    remaining: list[Document] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)
    inserted: int = 0

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in ("landed", "gone", "remaining")}


class Replay:
    """Tries entries of one table again.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the table.
        table: The table.
        snapshot: The view of the source that is read.
        run: Who does it.
        enricher: Gives documents their vectors, for a table that asks for them.
        sealer: Seals secret values of rows that are refused again.
        progress: Called with the number of entries that are done.
    """

    def __init__(
        self,
        *,
        target: Target,
        catalog: CatalogSpec,
        table: TableSpec,
        snapshot: Snapshot,
        run: RunIdentity,
        enricher: Enricher | None = None,
        sealer: Sealer | None = None,
        progress: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._target, self._table, self._snapshot, self._run = target, table, snapshot, run
        self._enricher, self._sealer, self._progress = enricher, sealer, progress
        pipeline = target.pipeline_database(catalog)
        self._database = target.database(catalog)
        self._collection = self._database[table.collection]
        self._ledger = TableLedger(pipeline, catalog, table, run)
        self._quarantine = Quarantine(pipeline, catalog, table, run, sealer)
        self._entries = CurrentEntries(pipeline, catalog, table)
        self._lease = Lease(self._ledger.tables, self._ledger.table_id, run)
        self._mapper = Mapper(table)
        self._replayed = Replayed()

    def run(self, condition: Mapping[str, Any]) -> Replayed:
        """Try the entries that match again, with those that share a key with one of them.

        Args:
            condition: A query for entries.

        Raises:
            SourceError: The source cannot be read as the spec says.
            TargetError: The collection cannot be changed by single documents.
            LeaseHeldError: Another run works on the table.
        """
        with self._target.translated(), self._lease:
            self._ledger.begin(source=self._snapshot.description)
            try:
                self._replayed.recovered = self._prepare()
                self._ledger.phase("replay")
                for entries in self._entries.batches(condition, BATCH):
                    self._lease.require()
                    self._replay(entries)
                    self._progress(len(entries))
                if self._replayed.landed or self._replayed.gone:
                    self._ledger.note_changed(quarantined=self._entries.count())
            except BaseException as error:
                known = self._target.translate(error) if isinstance(error, PyMongoError) else error
                self._ledger.fail(known, **self._replayed.counts())
                raise
            self._ledger.end("replayed", **self._replayed.counts())
        return self._replayed

    def again(self, mapper: Mapper, entries: CurrentEntries, require_lease: Callable[[], None]) -> Replayed:
        """Try all entries again within a run that holds the lease of the table.

        Args:
            mapper: Maps the rows of the table, as that run does.
            entries: The entries, as that run sees them.
            require_lease: Raises LeaseHeldError when it was lost.
        """
        self._mapper, self._entries = mapper, entries
        for batch in entries.batches({}, BATCH):
            require_lease()
            self._replay(batch)
        return self._replayed

    def _prepare(self) -> list[str]:
        recovered = recover_leaving_staging(self._database, self._table.collection, self._ledger, self._quarantine)
        self._ledger.require_forward()
        self._table = as_synced(self._snapshot, self._table, self._ledger.state())
        if collection_info(self._database, self._table.collection) is None:
            raise TargetError(f"{self._collection.full_name} does not exist.", "sync the table first")
        if self._table.storage == "plain":
            require_plain(self._database, self._table.collection)
            self._mapper = Mapper(self._table, read_lookups(self._snapshot, self._table))
        return recovered

    def _replay(self, entries: Sequence[Document]) -> None:
        if self._table.storage != "plain":
            self._remain(entries, SERIES)
            return
        of_key: dict[bytes, list[Document]] = {}
        for entry in entries:
            of_key.setdefault(_encoded(entry["key"]), []).append(entry)
        keys = {name: source_key(same[0], self._table) for name, same in of_key.items()}
        rows = self._rows([key for key in keys.values() if key is not None])
        notes, rejects = self._write(rows)
        settled = _Settled()
        for name, same in of_key.items():
            if keys[name] is None:
                self._remain(same, LOST_KEY)
            elif notes.get(name):
                self._remain(same, notes[name])
            else:
                self._settle(same, rejects.get(name, []), settled, landed=name in notes)
        self._carry_out(settled)

    def _rows(self, keys: Sequence[Row]) -> dict[bytes, list[Row]]:
        """The rows as they are now, by key as entries have it; those of one key in the order of the source."""
        found: dict[bytes, list[Row]] = {}
        for row in self._snapshot.rows_by_key(self._table, keys):
            found.setdefault(_encoded(storable_key(self._mapper.key_of(row))), []).append(row)
        return found

    def _write(self, rows: Mapping[bytes, Sequence[Row]]) -> tuple[Written, dict[bytes, list[Reject]]]:
        """Write the first row of each key.

        Returns:
            Key of each document that was to be written -> why it is not there, or ""; and all refused rows by key.
        """
        rejects: dict[bytes, list[Reject]] = {}
        mapped = self._mapper.map_batch([same[0] for same in rows.values()])
        if self._enricher is not None:
            self._enricher.enrich_batch(mapped, self._mapper)
        notes = self._apply(mapped)
        for reject in mapped.rejects:
            rejects.setdefault(_encoded(storable_key(reject.key)), []).append(reject)
        column = ", ".join(self._table.key)
        for name, same in rows.items():
            for row in same[1:]:
                reason = "another row has the same key"
                repeated = self._mapper.reject(row, column, RejectCode.DUPLICATE_VALUE, reason)
                rejects.setdefault(name, []).append(repeated)
        return notes, rejects

    def _apply(self, mapped: MappedBatch) -> Written:
        """Write documents and read them back; what the server refuses joins the rejects of the batch."""
        names = [_encoded(storable_key(self._mapper.key_of(row))) for row in mapped.rows]
        foreign = self._foreign(mapped.ids)
        notes = {names[position]: FOREIGN for position in foreign}
        due = [position for position in range(len(names)) if position not in foreign]
        writes = [(mapped.ids[position], mapped.documents[position]) for position in due]
        applied = apply_changes(
            self._collection, deletes=(), writes=writes, ledger=self._ledger, comment=self._run.run_id
        )
        self._replayed.inserted += applied.inserted
        held = HeldById(self._collection, comment=self._run.run_id)
        actual = held.actual([identifier for identifier, _ in writes], [document for _, document in writes])
        for at, position in enumerate(due):
            if at in applied.refused:
                mapped.rejects.append(self._mapper.reject(mapped.rows[position], "", *applied.refused[at]))
            else:
                notes[names[position]] = "" if actual[at] == mapped.documents[position] else OTHER_BYTES
        return notes

    def _foreign(self, ids: Sequence[Any]) -> set[int]:
        """Positions of the `_id`s under which a foreign document is, unless those may be replaced."""
        if not ids or self._table.sync.foreign_documents == "delete":
            return set()
        unknown = sorted(self._ledger.unknown_keys(ids))
        there = HeldById(self._collection, comment=self._run.run_id).actual([ids[position] for position in unknown], [])
        return {position for position, document in zip(unknown, there, strict=True) if document is not None}

    def _settle(
        self, entries: Sequence[Document], rejects: Sequence[Reject], settled: _Settled, *, landed: bool
    ) -> None:
        """Let there be as many entries of one key as rows are refused."""
        told = [(reject, described(reject, self._table, self._sealer)) for reject in rejects]
        known = {entry.get("row_digest") for entry in entries}
        left = list(entries)
        for reject, one in sorted(told, key=lambda pair: pair[1]["row_digest"] not in known):
            if left:
                same = [entry for entry in left if entry.get("row_digest") == one["row_digest"]]
                entry = (same or left)[0]
                left.remove(entry)
                settled.again.append((entry, one))
            else:
                settled.new.append(reject)
        settled.over += left
        self._replayed.landed += left[:1] if landed else []
        self._replayed.gone += left[1:] if landed else left

    def _carry_out(self, settled: _Settled) -> None:
        for (_, one), entry in zip(settled.again, self._entries.refused_again(settled.again), strict=True):
            self._remain([entry], str(one["reason"]))
        if settled.new:
            published = str(self._ledger.state()["published"]["run_id"])
            self._entries.add(settled.new, published_run=published, run=self._run, sealer=self._sealer)
        self._entries.close(settled.over)

    def _remain(self, entries: Sequence[Document], note: str) -> None:
        self._replayed.remaining += [{**entry, "note": note} for entry in entries]


@dataclass(slots=True)
class _Settled:
    """What becomes of some entries: those whose rows are refused again, with what is told of them; rows without an
    entry; and entries without a row.
    """

    again: list[tuple[Document, Document]] = field(default_factory=list)
    new: list[Reject] = field(default_factory=list)
    over: list[Document] = field(default_factory=list)


def _encoded(key: Sequence[Any]) -> bytes:
    return bson.encode({"": key})
