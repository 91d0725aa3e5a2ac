"""Cutting the acknowledged documents of a load into key ranges for the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from atlas_pipeline.load.digest import key_hash, new_digest
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
