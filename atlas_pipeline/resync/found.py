"""The keys that a sync has found to differ, kept on disk until all of them are known.

Deletes come before writes for the whole table, and nothing is applied before foreign documents have been judged; so
keys wait here, and memory stays constant. What does not belong here: finding and applying them.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from types import TracebackType
from typing import IO, Any

import bson

from atlas_pipeline.load import foreign
from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.differences import Difference, Kind
from atlas_pipeline.reconcile.walk import Suspect

IN_MEMORY = 1024 * 1024
"""Bytes up to which keys do not go to disk."""
IN_ORDER = 20_000
"""Keys that are put in order together, so that a key range is visited once for all of them."""


class Found:
    """Keys that are to be corrected; a context manager that removes its files.

    Args:
        name: Full name of the collection, for messages.
        ledger: Tells which documents are foreign.
        policy: What happens to those.
    """

    def __init__(self, name: str, ledger: TableLedger, policy: str) -> None:
        self._name, self._ledger, self._policy = name, ledger, policy
        self._deletes: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - closed on leaving
        self._writes: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._foreign: list[str] = []
        self._foreigners = 0
        self.writes = 0

    def __enter__(self) -> Found:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deletes.close()
        self._writes.close()

    def note(self, page: Sequence[Suspect]) -> list[Reject]:
        """Keep what is to be corrected of these keys; gives the refused rows whose key no document can have."""
        stored = [one.identifier for one in page if one.actual is not None]
        unknown = {sort_key(stored[at]) for at in self._ledger.unknown_keys(stored)} if stored else set()
        keyless = []
        for one in page:
            is_extra = one.expected is None and one.actual is not None
            if one.actual is not None and sort_key(one.identifier) in unknown:
                self._foreigners += 1
                self._foreign += [repr(one.identifier)] if len(self._foreign) < foreign.EXAMPLES else []
                if is_extra and self._policy == "keep":
                    continue
            if one.identifier is None and one.reject is not None:
                keyless.append(one.reject)
            else:
                self._add(one.identifier, is_extra=is_extra)
        return keyless

    def require_no_foreign(self) -> None:
        """Raise TargetError listing the foreign documents that were met, where the policy refuses them."""
        if self._foreigners and self._policy == "refuse":
            raise foreign.refusal(self._name, self._foreigners, self._foreign, "'keep' or 'delete'")

    def _add(self, identifier: Any, *, is_extra: bool) -> None:
        (self._deletes if is_extra else self._writes).write(bson.encode({"_id": identifier}))
        self.writes += not is_extra

    def all(self) -> Iterator[Difference]:
        """All of them, deletes first. Can be asked for again."""
        seen = datetime.now(UTC)
        for file, kind in ((self._deletes, Kind.EXTRA), (self._writes, Kind.VALUE)):
            file.seek(0)
            identifiers = _identifiers(file)
            while some := sorted(islice(identifiers, IN_ORDER), key=sort_key):
                for identifier in some:
                    yield Difference(identifier=identifier, key=repr(identifier), kind=kind, first_seen=seen)
            file.seek(0, 2)


def _identifiers(file: IO[bytes]) -> Iterator[Any]:
    position = 0
    while head := file.read(4):
        document = head + file.read(int.from_bytes(head, "little") - 4)
        position = file.tell()
        yield bson.decode(document)["_id"]
        file.seek(position)
