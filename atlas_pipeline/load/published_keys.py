"""The keys of what is published, changed one by one: learned before a document is inserted, forgotten after it is gone.

What a range knows of its rows is forgotten before any of its documents is written. What does not belong here: ranges
that a load records as a whole (`ranges`), and which documents change.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import bson
from bson.binary import Binary
from pymongo import UpdateOne
from pymongo.collection import Collection

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.bson_order import SortKey, id_of, sort_key
from atlas_pipeline.load.digest import KEY_HASH_BYTES, hashes_of, key_hash, raw_range, split_documents, without
from atlas_pipeline.load.range_store import RANGES_AT_ONCE, KeyRange, RangeMark, RangeStore, as_document

MOST_KEYS = 1_000_000
"""Keys of one range: 8 MB, half of what a document can hold."""


class PublishedKeys:
    """The key ranges of the run that is published. The caller holds the table's lease.

    Args:
        ranges: The ledger's collection of ranges.
        table_id: The table there.
        run_id: The run.
    """

    def __init__(self, ranges: Collection[dict[str, Any]], table_id: str, run_id: str) -> None:
        self._ranges = ranges
        self._of_run = {"table_id": table_id, "run_id": run_id}
        self.store = RangeStore(ranges, table_id, run_id)

    def learn(self, ids: Sequence[Any]) -> dict[int, bytes]:
        """See `TableLedger.learn_keys`."""
        if not ids:
            return {}
        if not self._marks:
            first = min(ids, key=sort_key)
            empty = as_document(KeyRange(first=first, documents=0, digest=b"", keys=b""))
            self._ranges.insert_one({**self._of_run, "position": 0, **empty})
            self._forget_marks()
        new: dict[int, bytes] = {}
        wanted = self._by_range(ids)
        self.store.unmark(list(wanted))
        for some in self._keys(list(wanted)):
            changed: dict[Any, bytes] = {}
            for range_id, keys in some.items():
                known = _known(keys, wanted[range_id])
                if added := {position: hashed for position, hashed in wanted[range_id].items() if hashed not in known}:
                    changed[range_id] = keys + b"".join(dict.fromkeys(added.values()))
                    new |= added
            self._store(changed)
        return new

    def touch(self, ids: Sequence[Any]) -> None:
        """Forget what is known of the rows of the ranges in which these keys are, before documents go."""
        self.store.unmark(list(self._by_range(ids)))

    def forget(self, ids: Sequence[Any]) -> None:
        """See `TableLedger.forget_published_keys`."""
        wanted = self._by_range(ids)
        left = {hashed for hashes in wanted.values() for hashed in hashes.values()}
        left -= self._drop(list(wanted), left)
        if left:  # a key that the source sorts in another way than the server is in the range where the source had it
            self._drop([mark.id for mark in self._marks if mark.id not in wanted], left)

    def unknown(self, ids: Sequence[Any]) -> set[int]:
        """See `TableLedger.unknown_keys`."""
        wanted = self._by_range(ids)
        unknown = {position: key_hash(bson.encode({"_id": identifier})) for position, identifier in enumerate(ids)}
        for some in self._keys(list(wanted)):
            for range_id, keys in some.items():
                for position in _positions(wanted[range_id], keys):
                    del unknown[position]
        others = [mark.id for mark in self._marks if mark.id not in wanted]
        for some in self._keys(others) if unknown else ():
            for keys in some.values():
                for position in _positions(unknown, keys):
                    del unknown[position]
        return set(unknown)

    def count(self) -> int:
        """How many keys are known. Read of an index alone: a range has 32 kB of keys."""
        counted = self._ranges.find(self._of_run, {"_id": 0, "documents": 1})
        return sum(int(stored["documents"]) for stored in counted)

    def tidy(self, collection: Collection[Any], *, comment: str) -> None:
        """Forget keys without a document, for a run learned them and died before it wrote; and let a key that is in two
        ranges, for a run died while it cut one of them, be in the later one alone.

        Args:
            collection: The live collection.
            comment: Run id, shown in the server's log and current operations.
        """
        present: set[bytes] = set()
        for batch in raw_range(collection, projection={"_id": 1}, comment=comment):
            present.update(map(key_hash, split_documents(batch)))
        for mark in reversed(self._marks):
            (stored,) = self._keys([mark.id])
            keys = stored[mark.id]
            hashes = hashes_of(keys)
            if left := hashes - present:
                self._store({mark.id: without(keys, left)})
            present -= hashes

    def recut(self, collection: Collection[Any], most: int, *, comment: str) -> None:
        """Cut ranges that have grown to more than twice `most` documents, in `_id` order. A run that dies in between
        leaves keys in two ranges, until the next whole sync tidies up.

        Args:
            collection: The live collection, from which the order of the keys is read.
            most: Documents of one range.
            comment: Run id, shown in the server's log and current operations.
        """
        marks = self.store.marks()
        for number, mark in enumerate(marks):
            if mark.documents > 2 * most:
                before = marks[number + 1].first if number + 1 < len(marks) else None
                self._cut(mark, None if number == 0 else mark.first, before, collection, most, comment)
        self._forget_marks()

    def _cut(
        self, mark: RangeMark, first: Any, before: Any, collection: Collection[Any], most: int, comment: str
    ) -> None:
        (stored,) = self._keys([mark.id])
        left = hashes_of(stored[mark.id])
        parts: list[tuple[Any, list[bytes]]] = [(mark.first, [])]
        for batch in raw_range(collection, first, before, projection={"_id": 1}, comment=comment):
            for document in split_documents(batch):
                hashed = key_hash(document)
                if hashed in left:
                    if len(parts[-1][1]) >= most:
                        parts.append((id_of(document), []))
                    elif first is None and not parts[0][1]:  # the first range holds what came before it, too
                        parts[0] = min(mark.first, id_of(document), key=sort_key), []
                    parts[-1][1].append(hashed)
                    left.discard(hashed)
        parts[0][1].extend(left)  # keys without a document: of a run that died, or of another order
        for position, (start, hashes) in reversed(list(enumerate(parts))):
            cut = KeyRange(first=start, documents=len(hashes), digest=b"", keys=b"".join(hashes))
            if position:
                self._ranges.insert_one({**self._of_run, "position": position, **as_document(cut)})
            else:
                self._ranges.update_one({"_id": mark.id}, {"$set": as_document(cut)})

    @cached_property
    def _marks(self) -> list[RangeMark]:
        return self.store.marks()

    @cached_property
    def _starts(self) -> list[SortKey]:
        return [sort_key(mark.first) for mark in self._marks]

    def _forget_marks(self) -> None:
        for name in ("_marks", "_starts"):
            self.__dict__.pop(name, None)

    def _by_range(self, ids: Sequence[Any]) -> dict[Any, Mapping[int, bytes]]:
        """Range -> position in `ids` -> hash of that key."""
        found: dict[Any, dict[int, bytes]] = {}
        if self._marks:
            for position, identifier in enumerate(ids):
                covering = self._marks[max(bisect_right(self._starts, sort_key(identifier)) - 1, 0)]
                found.setdefault(covering.id, {})[position] = key_hash(bson.encode({"_id": identifier}))
        return dict(found)

    def _drop(self, range_ids: Sequence[Any], hashes: set[bytes]) -> set[bytes]:
        """Take hashes out of ranges; gives those that were there."""
        dropped: set[bytes] = set()
        for some in self._keys(range_ids):
            changed: dict[Any, bytes] = {}
            for range_id, keys in some.items():
                if found := hashes & hashes_of(keys):
                    changed[range_id] = without(keys, found)
                    dropped |= found
            self._store(changed)
        return dropped

    def _keys(self, range_ids: Sequence[Any]) -> Iterator[dict[Any, bytes]]:
        """The keys of these ranges, of a few at a time: those of a thousand take 32 MB."""
        for start in range(0, len(range_ids), RANGES_AT_ONCE):
            some = list(range_ids[start : start + RANGES_AT_ONCE])
            found = self._ranges.find({"_id": {"$in": some}}, {"keys": 1})
            yield {stored["_id"]: bytes(stored["keys"]) for stored in found}

    def _store(self, changed: Mapping[Any, bytes]) -> None:
        """Let ranges have these keys instead of theirs."""
        updates = []
        for range_id, keys in changed.items():
            documents = len(keys) // KEY_HASH_BYTES
            if documents > MOST_KEYS:
                raise TargetError(
                    f"{self._of_run['table_id']}: one key range would have to know {documents:,} keys.",
                    "sync the table with --mode reload, which cuts its ranges anew",
                )
            facts = {"keys": Binary(keys), "documents": documents, "digest": Binary(b""), "fingerprint": Binary(b"")}
            updates.append(UpdateOne({"_id": range_id}, {"$set": facts}))
        if updates:
            self._ranges.bulk_write(updates, ordered=False)


def _known(keys: bytes, wanted: Mapping[int, bytes]) -> set[bytes]:
    """Which of the wanted hashes are in a concatenation."""
    return {wanted[position] for position in _positions(wanted, keys)}


def _positions(wanted: Mapping[int, bytes], keys: bytes) -> list[int]:
    """The positions of those wanted hashes that are in a concatenation."""
    if len(wanted) > 8:  # by then it is cheaper to take all of it apart
        known = hashes_of(keys)
        return [position for position, hashed in wanted.items() if hashed in known]
    return [position for position, hashed in wanted.items() if _holds(keys, hashed)]


def _holds(keys: bytes, hashed: bytes) -> bool:
    at = keys.find(hashed)
    while at >= 0 and at % KEY_HASH_BYTES:
        at = keys.find(hashed, at + 1)
    return at >= 0
