"""The current entries of one table's quarantine: found, brought up to date, closed, discarded.

The caller holds the table's lease, so that no run publishes others meanwhile. What does not belong here: entries of a
run that is not published yet (`quarantine`), and whether a row can land (`replay`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from pymongo import UpdateOne
from pymongo.database import Database

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.quarantine import COLLECTION, described, entry_id, new_facts
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]


class CurrentEntries:
    """The published entries of one table.

    Args:
        database: The pipeline's database.
        catalog: Catalog of the table.
        table: The table.
    """

    def __init__(self, database: Database[Document], catalog: CatalogSpec, table: TableSpec) -> None:
        self._entries = database[COLLECTION]
        self._table = table
        self._current: Document = {"catalog": catalog.name, "collection": table.collection, "published": True}
        self._added = 0

    def count(self, condition: Mapping[str, Any] | None = None) -> int:
        return self._entries.count_documents({**self._current, **(condition or {})})

    def find(self, condition: Mapping[str, Any]) -> list[Document]:
        """The entries that match, without raw rows, in the order of their ids."""
        return list(self._entries.find({"$and": [self._current, condition]}, {"row": 0}).sort("_id", 1))

    def batches(self, condition: Mapping[str, Any], size: int) -> Iterator[list[Document]]:
        """The entries that match, and those that share a key with one of them; without raw rows, each once, those of
        one key in one batch. Entries of a batch may be changed before the next one is asked for.
        """
        passed: set[Any] = set()
        last: dict[str, Any] = {}
        while True:
            page = self._entries.find({"$and": [self._current, condition, last]}, {"key": 1}).sort("_id", 1).limit(size)
            found = list(page)
            if not found:
                return
            last = {"_id": {"$gt": found[-1]["_id"]}}
            keys = [entry["key"] for entry in found if entry["_id"] not in passed]
            batch = list(self._entries.find({**self._current, "key": {"$in": keys}}, {"row": 0}).sort("_id", 1))
            passed = {entry["_id"] for entry in batch if entry["_id"] > found[-1]["_id"]} | passed
            if batch:
                yield batch

    def add(self, rejects: Iterable[Reject], *, published_run: str, run: RunIdentity, sealer: Sealer | None) -> None:
        """Store refused rows beside the entries of the run that is published.

        Args:
            rejects: Rows that have no entry yet.
            published_run: The run that is published.
            run: The run that found them.
            sealer: Seals the values of secret columns. Without one they are left out.

        Raises:
            TargetError: The server did not store each of them.
        """
        now = datetime.now(UTC)
        entries = []
        for reject in rejects:
            self._added += 1
            identifier = entry_id(self._current["catalog"], self._table, run, self._added)
            told = {**described(reject, self._table, sealer), **new_facts(self._table, now)}
            entries.append({"_id": identifier, **self._current, "run_id": published_run, **told})
        if entries and len(self._entries.insert_many(entries, ordered=False).inserted_ids) != len(entries):
            raise TargetError(f"Table {self._table.source}: not every quarantined row was stored.", "run again")

    def refused_again(self, pairs: Sequence[tuple[Document, Mapping[str, Any]]]) -> list[Document]:
        """Bring entries up to date.

        That a person has discarded one holds for the same row with the same reason.

        Args:
            pairs: Each entry, with what is to be told of its row now.

        Returns:
            The entries as they are then, without the rows.
        """
        updates, now = [], datetime.now(UTC)
        after: list[Document] = []
        for entry, told in pairs:
            fields = {**told, "last_seen": now}
            if not told["column"] and entry.get("code") == told["code"]:  # a server names no column; a load did
                fields |= {"column": entry["column"], "reason": entry["reason"]}
            if any(entry.get(name) != fields[name] for name in ("column", "code", "row_digest")):
                fields |= {"discarded": False, "discarded_at": None}
            updates.append(UpdateOne({"_id": entry["_id"]}, {"$set": fields}))
            after.append({name: value for name, value in {**entry, **fields}.items() if name != "row"})
        if updates:
            self._entries.bulk_write(updates, ordered=False)
        return after

    def close(self, entries: Sequence[Document]) -> None:
        """Remove entries whose rows have landed, or are gone. Can be repeated. Raises TargetError when one stays."""
        ids = [entry["_id"] for entry in entries]
        if not ids:
            return
        self._entries.delete_many({"_id": {"$in": ids}})
        if left := self._entries.count_documents({"_id": {"$in": ids}}):
            raise TargetError(
                f"Table {self._table.source}: {left} closed quarantine entries are still there.", "run again"
            )

    def decide(self, ids: Sequence[Any], *, discarded: bool) -> int:
        """Mark entries as discarded by a person, or take that back. Gives how many there are."""
        decision = {"discarded": discarded, "discarded_at": datetime.now(UTC) if discarded else None}
        return self._entries.update_many({**self._current, "_id": {"$in": list(ids)}}, {"$set": decision}).matched_count
