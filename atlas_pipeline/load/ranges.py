"""Cutting the acknowledged documents of a load into key ranges for the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from atlas_pipeline.load.bson_order import id_of
from atlas_pipeline.load.digest import key_hash, new_digest, split_documents
from atlas_pipeline.load.ledger import KeyRange, TableLedger

RANGE_DOCUMENTS = 50_000
"""Documents of one range: 400 kB of key hashes."""


class RangeRecorder:
    """Collects acknowledged documents, in key order, and records each range when it is full."""

    def __init__(self, ledger: TableLedger) -> None:
        self._ledger = ledger
        self._position = 0
        self._first: Any = None
        self._documents = 0
        self._digest = new_digest()
        self._keys = bytearray()

    def add(self, documents: Sequence[bytes], ids: Sequence[Any]) -> None:
        """Add acknowledged documents; `ids` are their `_id`s."""
        if not documents:
            return
        if not self._documents:
            self._first = ids[0]
        self._documents += len(documents)
        self._digest.update(b"".join(documents))
        self._keys += b"".join(map(key_hash, documents))
        if self._documents >= RANGE_DOCUMENTS:
            self.close()

    def close(self) -> None:
        """Record what has been collected since the last full range."""
        if self._documents:
            self._ledger.add_range(
                self._position,
                KeyRange(
                    first=self._first,
                    documents=self._documents,
                    digest=self._digest.digest(),
                    keys=bytes(self._keys),
                ),
            )
            self._position += 1
            self._documents = 0
            self._digest = new_digest()
            self._keys = bytearray()


class UnorderedRecorder(RangeRecorder):
    """Takes note of acknowledged documents that come in another order than that of the target.

    Their ranges are recorded when they are read back, in the order of the target, and must have the same sum.
    """

    def __init__(self, ledger: TableLedger) -> None:
        super().__init__(ledger)
        self._sent = _Sum()

    @override
    def add(self, documents: Sequence[bytes], ids: Sequence[Any]) -> None:
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
