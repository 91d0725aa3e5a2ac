"""The key ranges in the ledger: which stretch of keys holds how many of our documents, made of which rows.

What belongs here: storing ranges and reading them back. What does not: single keys that are learned and forgotten later
(`published_keys`), and cutting a load into ranges (`ranges`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bson.binary import Binary
from pymongo.collection import Collection

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.digest import KEY_HASH_BYTES, hashes_of, without
from atlas_pipeline.load.load_notes import LoadNotes

Document = dict[str, Any]

RANGES_AT_ONCE = 64
"""Ranges that are read together, 2 MB of keys: a server would give 16 MB at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRange:
    """A stretch of loaded documents in `_id` order. It ends where the next one begins; the first one also holds
    everything before it, and the last one everything after it.

    Attributes:
        first: `_id` of the first document, or that of a refused row before it.
        documents: How many of our documents.
        digest: Digest over the bytes sent; empty once keys were learned or forgotten one by one.
        keys: Concatenated key hashes.
        rows: Source rows of the stretch, refused ones included.
        stored: Documents in the stretch when it was last loaded or compared, foreign ones included.
        fingerprint: Fingerprint of those rows; empty when it is not known, or documents were written since.
        notes: What another run needs to go on with the load behind this range; None when none can.
    """

    first: Any
    documents: int
    digest: bytes
    keys: bytes
    rows: int = 0
    stored: int = 0
    fingerprint: bytes = b""
    notes: LoadNotes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeMark:
    """A range without its keys; see `KeyRange`.

    Attributes:
        id: By which the ledger knows it.
        position: Number that its run gave it; ranges are ordered by `first`.
    """

    id: Any
    position: int
    first: Any
    documents: int
    rows: int
    stored: int
    fingerprint: bytes


class RangeStore:
    """The ranges that one run recorded of one table.

    Args:
        ranges: The ledger's collection of ranges.
        table_id: The table there.
        run_id: The run.
    """

    def __init__(self, ranges: Collection[Document], table_id: str, run_id: str) -> None:
        self._ranges = ranges
        self._of_run = {"table_id": table_id, "run_id": run_id}

    def add(self, position: int, key_range: KeyRange) -> None:
        """Record a range whose write was acknowledged."""
        self._ranges.insert_one({**self._of_run, "position": position, **as_document(key_range)})

    def all(self) -> Iterator[KeyRange]:
        """The ranges in key order."""
        for stored in self._sorted():
            yield KeyRange(
                first=stored["first"],
                documents=stored["documents"],
                digest=bytes(stored["digest"]),
                keys=bytes(stored["keys"]),
                rows=stored.get("rows", 0),
                stored=stored.get("stored", 0),
                fingerprint=bytes(stored.get("fingerprint", b"")),
            )

    def marks(self) -> list[RangeMark]:
        """The ranges in key order, without their keys."""
        return [
            RangeMark(
                id=stored["_id"],
                position=stored["position"],
                first=stored["first"],
                documents=stored["documents"],
                rows=stored.get("rows", 0),
                stored=stored.get("stored", 0),
                fingerprint=bytes(stored.get("fingerprint", b"")),
            )
            for stored in self._sorted({"keys": 0})
        ]

    def loaded(self) -> list[tuple[RangeMark, LoadNotes]]:
        """The ranges in key order, of a load that another run can go on with."""
        marks = self.marks()
        notes = {stored["_id"]: stored for stored in self._ranges.find(self._of_run, {"load": 1})}
        return [(mark, LoadNotes.from_document(mark.first, notes[mark.id]["load"])) for mark in marks]

    def add_unsettled(self, key_range: KeyRange) -> None:
        """Record a range before its documents are sent, beside those that are there and in no order of keys."""
        self._ranges.insert_one({**self._of_run, "position": 0, **as_document(key_range), "unsettled": True})

    def unsettled(self) -> set[bytes]:
        """The key hashes of ranges whose documents may be there or not."""
        found = self._ranges.find({**self._of_run, "unsettled": True}, {"keys": 1})
        return {hashed for stored in found for hashed in hashes_of(stored["keys"])}

    def settle(self) -> None:
        """Record that the documents of all ranges are there."""
        self._ranges.update_many({**self._of_run, "unsettled": True}, {"$unset": {"unsettled": ""}})

    def replace(self, range_id: Any, position: int, key_range: KeyRange) -> None:
        """Record a range in the place of another one, in one step. Raises TargetError when that is gone."""
        told = {**self._of_run, "position": position, **as_document(key_range)}
        if not self._ranges.replace_one({"_id": range_id}, told).matched_count:
            raise TargetError(
                f"{self._of_run['table_id']}: a key range left the ledger while it was in use.", "run again"
            )

    def drop(self, range_id: Any) -> None:
        """Forget a range."""
        self._ranges.delete_one({"_id": range_id})

    def drop_positions(self, positions: range) -> None:
        """Forget the ranges with these numbers."""
        self._ranges.delete_many({**self._of_run, "position": {"$gte": positions.start, "$lt": positions.stop}})

    def mark(self, range_id: Any, *, rows: int, stored: int, fingerprint: bytes) -> None:
        """Record that the documents of a range are what these rows map to."""
        facts = {"rows": rows, "stored": stored, "fingerprint": Binary(fingerprint)}
        self._ranges.update_one({"_id": range_id}, {"$set": facts})

    def unmark(self, range_ids: Sequence[Any]) -> None:
        """Forget what was known of the rows of some ranges, before their documents are changed."""
        marked = {"_id": {"$in": list(range_ids)}, "fingerprint": {"$ne": Binary(b"")}}
        self._ranges.update_many(marked, {"$set": {"fingerprint": Binary(b"")}})

    def forget_keys(self, hashes: set[bytes]) -> None:
        """Take keys out: their documents were removed again before anything was published."""
        for stored in self._ranges.find(self._of_run).batch_size(RANGES_AT_ONCE):
            keys = bytes(stored["keys"])
            if hashes & hashes_of(keys):
                left = without(keys, hashes)
                changed = {"keys": Binary(left), "documents": len(left) // KEY_HASH_BYTES}
                self._ranges.update_one({"_id": stored["_id"]}, {"$set": changed})

    def rename(self, run_id: str) -> None:
        """Let another run have these ranges."""
        self._ranges.update_many(self._of_run, {"$set": {"run_id": run_id}})

    def remove(self) -> None:
        self._ranges.delete_many(self._of_run)

    def _sorted(self, projection: dict[str, int] | None = None) -> Any:
        found = self._ranges.find(self._of_run, projection).batch_size(RANGES_AT_ONCE)
        return found.sort([("first", 1), ("position", 1)])


def as_document(key_range: KeyRange) -> Document:
    """A range as the ledger stores it."""
    notes = {} if key_range.notes is None else {"load": key_range.notes.as_document()}
    return {
        "first": key_range.first,
        "documents": key_range.documents,
        "digest": Binary(key_range.digest),
        "keys": Binary(key_range.keys),
        "rows": key_range.rows,
        "stored": key_range.stored,
        "fingerprint": Binary(key_range.fingerprint),
        **notes,
    }
