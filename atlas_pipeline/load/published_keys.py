"""The keys of what is published, changed one by one: learned before a document is inserted, forgotten after it is gone.

What does not belong here: ranges that a load records as a whole (`ranges`), and which documents change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

import bson
from bson.binary import Binary
from pymongo.collection import Collection

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.load.digest import KEY_HASH_BYTES, hashes_of, key_hash, without

MOST_KEYS = 1_000_000
"""Keys of one range: 8 MB, half of what a document can hold."""


class PublishedKeys:
    """The key ranges of the run that is published.

    Args:
        ranges: The ledger's collection of ranges.
        table_id: The table there.
        run_id: The run.
    """

    def __init__(self, ranges: Collection[dict[str, Any]], table_id: str, run_id: str) -> None:
        self._ranges = ranges
        self._of_run = {"table_id": table_id, "run_id": run_id}

    def learn(self, ids: Sequence[Any]) -> dict[int, bytes]:
        """See `TableLedger.learn_keys`."""
        if not ids:
            return {}
        if self._ranges.find_one(self._of_run, {"_id": 1}) is None:
            first = min(ids, key=sort_key)
            empty = {"position": 0, "first": first, "documents": 0, "digest": Binary(b""), "keys": Binary(b"")}
            self._ranges.insert_one({**self._of_run, **empty})
        new: dict[int, bytes] = {}
        for range_id, wanted in self._by_range(ids).items():
            keys = self._keys(range_id)
            known = hashes_of(keys)
            added = {position: hashed for position, hashed in wanted.items() if hashed not in known}
            if added:
                self._store(range_id, keys + b"".join(dict.fromkeys(added.values())))
                new |= added
        return new

    def forget(self, ids: Sequence[Any]) -> None:
        """See `TableLedger.forget_published_keys`."""
        left = {hashed for wanted in self._by_range(ids).values() for hashed in wanted.values()}
        likely = list(self._by_range(ids))
        for range_id in likely:
            left -= self._drop(range_id, left)
        if left:  # a key that the source sorts in another way than the server is in the range where the source had it
            for stored in self._ranges.find({**self._of_run, "_id": {"$nin": likely}}, {"_id": 1}):
                left -= self._drop(stored["_id"], left)

    def unknown(self, ids: Sequence[Any]) -> set[int]:
        """See `TableLedger.unknown_keys`."""
        unknown = {position: key_hash(bson.encode({"_id": identifier})) for position, identifier in enumerate(ids)}
        likely = list(self._by_range(ids))
        others = [stored["_id"] for stored in self._ranges.find({**self._of_run, "_id": {"$nin": likely}}, {"_id": 1})]
        for range_id in (*likely, *others):
            if not unknown:
                break
            known = hashes_of(self._keys(range_id))
            unknown = {position: hashed for position, hashed in unknown.items() if hashed not in known}
        return set(unknown)

    def count(self) -> int:
        """How many keys are known."""
        return sum(int(stored["documents"]) for stored in self._ranges.find(self._of_run, {"documents": 1}))

    def _by_range(self, ids: Sequence[Any]) -> dict[Any, Mapping[int, bytes]]:
        """Range -> position in `ids` -> hash of that key."""
        ranges = list(self._ranges.find(self._of_run, {"first": 1}).sort("position", 1))
        starts = [sort_key(stored["first"]) for stored in ranges]
        found: dict[Any, dict[int, bytes]] = {}
        if ranges:
            for position, identifier in enumerate(ids):
                covering = ranges[max(bisect_right(starts, sort_key(identifier)) - 1, 0)]
                found.setdefault(covering["_id"], {})[position] = key_hash(bson.encode({"_id": identifier}))
        return dict(found)

    def _drop(self, range_id: Any, hashes: set[bytes]) -> set[bytes]:
        """Take hashes out of a range; gives those that were there."""
        keys = self._keys(range_id)
        found = hashes & hashes_of(keys)
        if found:
            self._store(range_id, without(keys, found))
        return found

    def _keys(self, range_id: Any) -> bytes:
        stored = self._ranges.find_one({"_id": range_id}, {"keys": 1})
        return bytes(stored["keys"]) if stored else b""

    def _store(self, range_id: Any, keys: bytes) -> None:
        documents = len(keys) // KEY_HASH_BYTES
        if documents > MOST_KEYS:
            raise TargetError(
                f"{self._of_run['table_id']}: one key range would have to know {documents:,} keys.",
                "sync the table, which cuts its ranges anew",
            )
        changed = {"keys": Binary(keys), "documents": documents, "digest": Binary(b"")}
        self._ranges.update_one({"_id": range_id}, {"$set": changed})
