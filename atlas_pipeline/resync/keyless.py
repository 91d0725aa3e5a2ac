"""Rows without a usable key: it is NULL, or a text that is none. Nobody can ask the source for one of them, so their
entries in the quarantine are told apart by what the rows hold, while all rows of a table pass by.

What does not belong here: refused rows that have a key, which are looked at one by one (`atlas_pipeline.reconcile`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from atlas_pipeline.load.quarantine import described
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.raw_values import source_key, storable_key
from atlas_pipeline.load.sealing import Sealer
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.spec.tables import TableSpec

Document = dict[str, Any]
MOST_WAITING = 1_000
"""New rows without a key that wait in memory, until it is known that nothing stops the sync."""


class Keyless:
    """The rows of one table that have no usable key, while all of its rows pass by.

    Args:
        table: The table.
        entries: Its quarantine.
        add: Puts rows into it that were not there.
        sealer: Seals secret values.
    """

    def __init__(
        self,
        table: TableSpec,
        entries: CurrentEntries,
        add: Callable[[Sequence[Reject]], None],
        sealer: Sealer | None,
    ) -> None:
        self._table, self._entries, self._add, self._sealer = table, entries, add, sealer
        self._new: list[Reject] = []
        self._left: dict[Any, list[Document]] = {}
        self.begin()

    def begin(self) -> None:
        """Forget what has passed by."""
        self._new, self._left = [], {}
        for entry in self._entries.find({}):
            if source_key(entry, self._table) is None:
                self._left.setdefault(entry.get("row_digest"), []).append(entry)
        self.known = bool(self._left)
        """Whether there were such rows, so that every one of them has to be looked for."""

    def meet(self, reject: Reject) -> bool:
        """A refused row passes by; gives whether it is one of them."""
        if source_key({"key": storable_key(reject.key)}, self._table) is not None:
            return False
        told = described(reject, self._table, self._sealer)
        if same := self._left.get(told["row_digest"]):
            entry = same.pop()
            if any(entry.get(name) != told[name] for name in ("column", "code", "reason", "spec")):
                self._entries.refused_again([(entry, told)])
            return True
        self._new.append(reject)
        if len(self._new) >= MOST_WAITING:
            self._flush()
        return True

    def end(self) -> None:
        """All have passed by: new ones go into the quarantine, and those that are gone leave it."""
        self._flush()
        self._entries.close([entry for same in self._left.values() for entry in same])

    def _flush(self) -> None:
        self._add(self._new)
        self._new = []
