"""The documents of a loaded table as the server holds them, in the form in which they are compared with mapped rows.

What belongs here: getting at single documents for a sample. What does not: comparing whole collections.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from bson.decimal128 import Decimal128
from pymongo.collection import Collection
from typing_extensions import override

from atlas_pipeline.load.bson_order import SortKey, id_of, sort_key
from atlas_pipeline.load.digest import split_documents


class Held(Protocol):
    """Documents by key."""

    def form(self, document: bytes) -> bytes:
        """A document in the form in which two of them are compared."""

    def actual(self, ids: Sequence[Any], expected: Sequence[bytes]) -> list[bytes | None]:
        """For each `_id`, with the document that is expected there: what the server holds, or None; in that form."""

    def pending(self, expected: bytes) -> bool:
        """Whether this document is still to be written, when it is published."""


class HeldById(Held):
    """The documents of an ordinary collection, whose bytes are compared as they are.

    Args:
        collection: The collection.
        comment: Run id, shown in the server's log and current operations.
    """

    def __init__(self, collection: Collection[Any], *, comment: str) -> None:
        self._collection, self._comment = collection, comment

    @override
    def form(self, document: bytes) -> bytes:
        return document

    @override
    def actual(self, ids: Sequence[Any], expected: Sequence[bytes]) -> list[bytes | None]:
        found: dict[SortKey, bytes] = {}
        if ids:
            for batch in self._collection.find_raw_batches({"_id": {"$in": list(ids)}}, comment=self._comment):
                for document in split_documents(batch):
                    found[sort_key(id_of(document))] = document
        return [found.get(sort_key(identifier)) for identifier in ids]

    @override
    def pending(self, expected: bytes) -> bool:
        return False


def hashable(identifier: Any) -> Any:
    """An `_id` as a key of a dict; numbers of any width are one key, as they are for the server."""
    if isinstance(identifier, Mapping):
        return tuple((name, hashable(value)) for name, value in identifier.items())
    return identifier.to_decimal() if isinstance(identifier, Decimal128) else identifier
