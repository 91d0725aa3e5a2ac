"""The rows that could not become documents: each once, with its reason, and without its secrets.

Entries belong to the run that found them. Publishing a run makes its entries the current ones and removes those of
earlier runs, so a row that was repaired at the source disappears by itself and running again doubles nothing. What
does not belong here: deciding what is refused, and changing current entries (`quarantine_entries`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import bson
from pymongo import InsertOne, UpdateMany
from pymongo.database import Database

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load.raw_values import storable, storable_key
from atlas_pipeline.load.run import RunIdentity
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.mapping.reject import Reject, RejectCode
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]

COLLECTION = "quarantine"
OPEN = {"discarded": {"$ne": True}}
"""Matches the entries that nobody has discarded."""
_BATCH = 500
_SAME = ("key", "column", "code", "row_digest")
"""What an entry has in common with that of an earlier run for which a person has decided."""


class Quarantine:
    """The quarantine of one table, as one run sees it.

    Args:
        database: The pipeline's database.
        catalog: Catalog of the table.
        table: The table.
        run: The run whose entries these are.
        sealer: Seals the values of secret columns. Without one they are left out.
    """

    def __init__(
        self,
        database: Database[Document],
        catalog: CatalogSpec,
        table: TableSpec,
        run: RunIdentity,
        sealer: Sealer | None = None,
    ) -> None:
        self._entries = database[COLLECTION]
        self._table, self._run, self._sealer = table, run, sealer
        self._of_table = {"catalog": catalog.name, "collection": table.collection}
        self._of_run = {**self._of_table, "run_id": run.run_id}
        self._added = 0

    def start(self) -> None:
        """Forget what an earlier attempt of this run, or a run that never published, has left."""
        self._index()
        self._entries.delete_many({**self._of_table, "published": False})
        self._entries.delete_many(self._of_run)
        self._added = self._last_number()

    def go_on(self, run_ids: Collection[str], batches: Collection[tuple[int, int]]) -> None:
        """Let this run have what runs found that it goes on with. Can be repeated.

        Args:
            run_ids: These runs. What others found that never published is forgotten.
            batches: First and last number of the batches that are loaded. What was found in others is forgotten.
        """
        self._index()
        unpublished = {**self._of_table, "published": False}
        self._entries.delete_many({**self._of_run, "published": True})
        self._entries.delete_many({**unpublished, "run_id": {"$nin": [*run_ids, self._run.run_id]}})
        self._entries.update_many(unpublished, {"$set": {"run_id": self._run.run_id}})
        found = self._entries.distinct("batch", unpublished)
        gone = [one for one in found if not any(first <= one <= last for first, last in batches)]
        self._entries.delete_many({**unpublished, "batch": {"$in": gone}})
        self._added = self._last_number()

    def share(self, numbers: range) -> None:
        """Add entries beside other steps of the run, in batches with these numbers. What was found in them before is
        forgotten. Can be repeated.
        """
        self._index()
        self.forget_batches(numbers.start, numbers.stop - 1)
        self._added = numbers.start

    def forget_batches(self, first: int, last: int) -> None:
        """Forget what this run found in batches that are loaded again. Can be repeated."""
        self._entries.delete_many({**self._of_run, "batch": {"$gte": first, "$lte": last}})

    def add(self, rejects: Iterable[Reject], *, batch: int | None = None) -> None:
        """Store rejects. Raises TargetError when the server did not store each of them.

        Args:
            rejects: Refused rows.
            batch: Number of the batch in which they were, for a load that another run can go on with.
        """
        now = datetime.now(UTC)
        of_batch = {} if batch is None else {"batch": batch}
        requests = []
        for reject in rejects:
            self._added += 1
            requests.append(InsertOne(self._entry(reject, self._added, now) | of_batch))
        for start in range(0, len(requests), _BATCH):
            part = requests[start : start + _BATCH]
            if self._entries.bulk_write(part, ordered=False).inserted_count != len(part):
                raise TargetError(f"Table {self._table.source}: not every quarantined row was stored.", "run again")

    def inherit(self) -> None:
        """Let the entries of this run keep what is known of them: when a row was first seen, and that a person has
        discarded it, which holds for the same row with the same reason. Can be repeated.
        """
        earlier = {**self._of_table, "run_id": {"$ne": self._run.run_id}, "published": True}
        updates: list[UpdateMany] = []
        for old in self._entries.find(earlier, {"row": 0}):
            seen = {**self._of_run, "key": old["key"], "column": old["column"]}
            updates.append(UpdateMany(seen, {"$min": {"first_seen": old["first_seen"]}}))
            if old.get("discarded"):
                same = {**self._of_run, **{name: old.get(name) for name in _SAME}}
                decided = {"discarded": True, "discarded_at": old.get("discarded_at")}
                updates.append(UpdateMany(same, {"$set": decided}))
            if len(updates) >= _BATCH:
                self._entries.bulk_write(updates)
                updates = []
        if updates:
            self._entries.bulk_write(updates)

    def count(self) -> int:
        """Entries of this run, counted by the server."""
        return self._entries.count_documents(self._of_run)

    def count_discarded(self) -> int:
        """Entries of this run that a person has discarded, counted by the server."""
        return self._entries.count_documents({**self._of_run, "discarded": True})

    def examples(self, limit: int) -> list[Document]:
        """The first entries of this run that nobody has discarded, without the raw rows."""
        return list(self._entries.find({**self._of_run, **OPEN}, {"row": 0}).sort("_id", 1).limit(limit))

    def absent(self, keys: Sequence[Row], *, repeats: bool | None = None) -> list[Row]:
        """Which of these keys have no entry in this run.

        Args:
            keys: Source keys.
            repeats: Count only entries of rows that repeat the key of another row, or only the others.
        """
        if not keys:
            return []
        stored = [storable_key(key) for key in keys]
        # By the first value of each key, which finds more: 500 whole arrays in an `$in` take a third of a second.
        query: Document = {**self._of_run, "key": {"$in": [key[0] for key in stored]}}
        if repeats is not None:
            repeated = {"code": str(RejectCode.DUPLICATE_VALUE), "column": ", ".join(self._table.key)}
            query |= repeated if repeats else {"$nor": [repeated]}
        found = self._entries.find(query, {"key": 1})
        known = {bson.encode({"key": entry["key"]}) for entry in found}
        return [key for key, kept in zip(keys, stored, strict=True) if bson.encode({"key": kept}) not in known]

    def publish(self, run_id: str) -> None:
        """Make a run's entries the current ones. Can be repeated."""
        done = {"$set": {"published": True}, "$unset": {"batch": ""}}
        self._entries.update_many({**self._of_table, "run_id": run_id}, done)
        self._entries.delete_many({**self._of_table, "run_id": {"$ne": run_id}})

    def _index(self) -> None:
        self._entries.create_index([("catalog", 1), ("collection", 1), ("run_id", 1), ("key", 1)], name="by_key")

    def _last_number(self) -> int:
        """Of the entries that this run has made, also of those that another one has by now, the highest number."""
        made = self._entries.find({"_id": {"$regex": f"^{re.escape(self._entry_id(''))}"}}, {"_id": 1})
        return max((int(entry["_id"].rpartition(":")[2]) for entry in made), default=0)

    def _entry_id(self, number: int | str) -> str:
        return entry_id(self._of_table["catalog"], self._table, self._run, number)

    def _entry(self, reject: Reject, number: int, now: datetime) -> Document:
        return {
            "_id": self._entry_id(number),
            **self._of_run,
            **described(reject, self._table, self._sealer),
            **new_facts(self._table, now),
            "published": False,
        }


def entry_id(catalog: str, table: TableSpec, run: RunIdentity, number: int | str) -> str:
    """The id of the entry that a run makes as its first, second, ... one of a table."""
    return f"{catalog}.{table.collection}:{run.short}:{number}"


def new_facts(table: TableSpec, now: datetime) -> Document:
    """What every new entry says beside its reject."""
    return {"table": table.source, "first_seen": now, "last_seen": now, "discarded": False}


def described(reject: Reject, table: TableSpec, sealer: Sealer | None) -> Document:
    """What an entry tells of a refused row: its key, what was refused and why, and its raw values.

    `row_digest` tells whether two entries are about the same values; secret ones take no part in it.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in _open_values(reject, table):
        digest.update(part)
    return {
        "key": storable_key(reject.key),
        "column": reject.column,
        "code": str(reject.code),
        "reason": reject.reason,
        "row": {name: _kept(value, table.column(name).secret, sealer) for name, value in reject.row.items()},
        "row_digest": digest.digest(),
        "spec": table.fingerprint,
    }


def _open_values(reject: Reject, table: TableSpec) -> Iterator[bytes]:
    for name, value in reject.row.items():
        if not table.column(name).secret:
            yield bson.encode({name: storable(value)})


def _kept(value: Any, secret: bool, sealer: Sealer | None) -> Any:
    if not secret or value is None:
        return storable(value)
    return {"left_out": "secret"} if sealer is None else sealer.seal(storable(value))
