"""The quarantine of a time series while some of its rows are read again: each refused row has one entry, which tells of
the row as it is now, and a row that is a document by now has none.

What does not belong here: entries of ordinary collections, whose rows are tried again by key
(`atlas_pipeline.load.replay`), and entries whose rows were not read.
"""

from __future__ import annotations

import bson

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load.quarantine import described
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.raw_values import storable_key
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.sides import Sides

_TOLD = ("column", "code", "reason", "row_digest")


class RefusedAgain:
    """Brings entries up to date, batch by batch.

    Args:
        sides: Both sides of the table; its key is the primary key.
        entries: The table's quarantine.
        run: Who reads.
        sealer: Seals secret values of refused rows. Without one they are left out.
    """

    def __init__(self, sides: Sides, entries: CurrentEntries, *, run: RunIdentity, sealer: Sealer | None) -> None:
        self._sides, self._entries, self._run, self._sealer = sides, entries, run, sealer
        self._had_entries = bool(entries.count())
        self._landed: list[Row] = []

    def look_at(self, mapped: MappedBatch) -> None:
        """Take note of what became of a batch of rows."""
        lost = self._sides.lost(mapped.rejects)
        published = str(self._sides.published["run_id"])
        self._entries.add(lost, published_run=published, run=self._run, sealer=self._sealer)
        if self._had_entries:
            absent = {id(reject) for reject in lost}
            self._tell_again([reject for reject in mapped.rejects if id(reject) not in absent])
            keys = [self._sides.mapper.key_of(row) for row in mapped.rows]
            without = set(self._sides.quarantine.absent(keys))
            self._landed += [key for key in keys if key not in without]

    def close_landed(self) -> None:
        """Remove the entries of rows whose documents are there."""
        if self._landed:
            self._entries.close(self._entries.find({"key": {"$in": [storable_key(key) for key in self._landed]}}))

    def _tell_again(self, rejects: list[Reject]) -> None:
        told = {_encoded(reject.key): described(reject, self._sides.table, self._sealer) for reject in rejects}
        if not told:
            return
        entries = self._entries.find({"key": {"$in": [one["key"] for one in told.values()]}})
        pairs = [(entry, told[bson.encode({"": entry["key"]})]) for entry in entries]
        self._entries.refused_again(
            [(entry, now) for entry, now in pairs if any(entry.get(name) != now[name] for name in _TOLD)]
        )


def _encoded(key: Row) -> bytes:
    return bson.encode({"": storable_key(key)})
