"""Cutting the acknowledged documents of a load into key ranges for the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from atlas_pipeline.load.bson_order import id_of
from atlas_pipeline.load.digest import key_hashes, new_digest, split_documents
from atlas_pipeline.load.fingerprint import new_fingerprint
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.load_notes import LoadNotes
from atlas_pipeline.load.range_store import KeyRange

RANGE_DOCUMENTS = 4_000
"""Documents of one range: 32 kB of key hashes, which is what a changed row costs in the ledger."""
RANGE_BYTES = 16 * 1024 * 1024
"""Raw rows of one range, for a range is compared in memory."""


class RangeRecorder:
    """Collects acknowledged documents, in key order, and records each range when it is full.

    Args:
        ledger: Where.
        seed: Seed of the fingerprints of rows; None for ranges without.
        position: Number of the first range; a load that goes on behind others begins behind theirs.
    """

    def __init__(self, ledger: TableLedger, seed: bytes | None = None, position: int = 0) -> None:
        self._store, self._seed = ledger.ranges_of_this_run(), seed
        self._position = position
        self._replaced: Any = None
        self._open = _OpenRange(new_fingerprint(seed or b""))

    def replace(self, range_id: Any) -> None:
        """Let the next range take the place of a recorded one; when nothing comes before `close`, that is forgotten."""
        self._replaced = range_id

    def add(
        self,
        documents: Sequence[bytes],
        ids: Sequence[Any],
        *,
        rows: int = 0,
        raw: bytes = b"",
        notes: LoadNotes | None = None,
    ) -> None:
        """Add acknowledged documents.

        Args:
            documents: The documents.
            ids: Their `_id`s.
            rows: How many rows were read for them, refused ones included.
            raw: Those rows as bytes.
            notes: What is to be noted of these rows.
        """
        one = self._open
        if one.notes is None:
            one.notes = notes
        elif notes is not None:
            one.notes.add(notes)
        one.rows += rows
        one.raw += len(raw)
        one.fingerprint.update(raw)
        if not documents:
            return
        if not one.documents:
            one.first = ids[0]
        one.documents += len(documents)
        one.digest.update(b"".join(documents))
        one.keys += key_hashes(documents)
        if one.documents >= RANGE_DOCUMENTS or one.raw >= RANGE_BYTES:
            self.close()

    def close(self) -> None:
        """Record what has been collected since the last full range."""
        one, replaced, self._replaced = self._open, self._replaced, None
        if one.documents:
            found = one.as_range(fingerprinted=self._seed is not None)
            if replaced is None:
                self._store.add(self._position, found)
            else:
                self._store.replace(replaced, self._position, found)
            self._position += 1
        elif replaced is not None:
            self._store.drop(replaced)
        self._open = _OpenRange(new_fingerprint(self._seed or b""))


@dataclass(slots=True)
class _OpenRange:
    """The range that is being collected; sizes of raw rows in bytes."""

    fingerprint: hashlib.blake2b
    first: Any = None
    documents: int = 0
    rows: int = 0
    raw: int = 0
    digest: hashlib.blake2b = field(default_factory=new_digest)
    keys: bytearray = field(default_factory=bytearray)
    notes: LoadNotes | None = None

    def as_range(self, *, fingerprinted: bool) -> KeyRange:
        first = None if self.notes is None else self.notes.first
        return KeyRange(
            first=self.first if first is None else first,
            documents=self.documents,
            digest=self.digest.digest(),
            keys=bytes(self.keys),
            rows=self.rows,
            stored=self.documents,
            fingerprint=self.fingerprint.digest() if fingerprinted else b"",
            notes=self.notes,
        )


class UnorderedRecorder(RangeRecorder):
    """Takes note of acknowledged documents that come in another order than that of the target.

    Their ranges are recorded when they are read back, in the order of the target, and must have the same sum.
    """

    def __init__(self, ledger: TableLedger) -> None:
        super().__init__(ledger)
        self._sent = _Sum()

    @override
    def add(
        self,
        documents: Sequence[bytes],
        ids: Sequence[Any],
        *,
        rows: int = 0,
        raw: bytes = b"",
        notes: LoadNotes | None = None,
    ) -> None:
        self._sent.add(documents)

    def read_back(self, batches: Iterable[bytes]) -> bool:
        """Record the ranges of what is there; gives whether it is what was sent.

        Args:
            batches: All documents, in `_id` order.
        """
        found = _Sum()
        for batch in batches:
            documents = list(split_documents(batch))
            found.add(documents)
            super().add(documents, list(map(id_of, documents)))
        self.close()
        return found == self._sent


@dataclass(slots=True)
class _Sum:
    """Number and sum of the digests of documents, which their order does not change."""

    documents: int = 0
    digests: int = 0

    def add(self, documents: Sequence[bytes]) -> None:
        self.documents += len(documents)
        for document in documents:
            digest = hashlib.blake2b(document, digest_size=16).digest()
            self.digests += int.from_bytes(digest, "little")
