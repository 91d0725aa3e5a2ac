"""Foreign documents: live documents whose key this pipeline never loaded. The application writes too.

They are told from loaded ones by the key hashes in the ledger, range by range, so memory stays that of one range.
What does not belong here: loading.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from bson import decode
from bson.raw_bson import RawBSONDocument
from pymongo import InsertOne
from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.digest import hashes_of, key_hash, raw_range, split_documents
from atlas_pipeline.load.range_store import KeyRange

Document = dict[str, Any]
_BATCH = 500
EXAMPLES = 20
_WATCHED = 20_000
"""Documents that a watch holds back before it asks the ledger."""


def foreign_ids(live: Collection[Document], loaded: Iterable[KeyRange], *, comment: str) -> Iterator[Any]:
    """`_id`s of all foreign documents of the live collection, in `_id` order.

    Args:
        live: The live collection.
        loaded: The ranges of the run that is published, in key order; none when this pipeline never published.
        comment: Run id, shown in the server's log and current operations.
    """
    for first, before, keys in _stretches(loaded):
        known = hashes_of(keys)
        for batch in raw_range(live, first, before, projection={"_id": 1}, comment=comment):
            for document in split_documents(batch):
                if key_hash(document) not in known:
                    yield decode(document)["_id"]


def foreign_among(hashes: set[bytes], loaded: Iterable[KeyRange]) -> set[bytes]:
    """Which of these key hashes belong to no document that this pipeline loaded."""
    unknown = set(hashes)
    for key_range in loaded:
        if not unknown:
            break
        unknown -= hashes_of(key_range.keys)
    return unknown


def require_none(live: Collection[Document], loaded: Iterable[KeyRange], *, comment: str) -> None:
    """Raise TargetError listing the first foreign documents when there are any."""
    count = 0
    examples: list[str] = []
    for found in foreign_ids(live, loaded, comment=comment):
        count += 1
        if len(examples) < EXAMPLES:
            examples.append(repr(found))
    if count:
        raise refusal(live.full_name, count, examples, "'keep' or 'delete'")


class ForeignWatch:
    """Looks for foreign documents among those of a time series, which come in no order and cannot be kept.

    Args:
        name: The collection, for the refusal.
        loaded: Gives the ranges that this pipeline loaded, each time it is called.
    """

    def __init__(self, name: str, loaded: Callable[[], Iterable[KeyRange]]) -> None:
        self._name, self._loaded = name, loaded
        self._waiting: dict[bytes, bytes] = {}
        self._count = 0
        self._examples: list[str] = []

    def look_at(self, document: bytes) -> None:
        """Take note of a document whose first field is `_id`."""
        self._waiting[key_hash(document)] = document
        if len(self._waiting) >= _WATCHED:
            self._judge()

    def require_none(self) -> None:
        """Raise TargetError listing the first foreign documents when there were any."""
        self._judge()
        if self._count:
            raise refusal(self._name, self._count, self._examples, "'delete'")

    def _judge(self) -> None:
        for key_range in self._loaded():
            if not self._waiting:
                return
            for known in self._waiting.keys() & hashes_of(key_range.keys):
                del self._waiting[known]
        self._count += len(self._waiting)
        for document in islice(self._waiting.values(), EXAMPLES - len(self._examples)):
            self._examples.append(repr(RawBSONDocument(document)["_id"]))
        self._waiting.clear()


def refusal(name: str, count: int, examples: list[str], other_policies: str) -> TargetError:
    more = "" if count <= EXAMPLES else f" and {count - EXAMPLES:,} more"
    return TargetError(
        f"{name} holds {count:,} foreign documents, which this pipeline never loaded: "
        f"{', '.join(examples)}{more}. Policy foreign_documents is 'refuse', so nothing was replaced.",
        f"move them away, or set foreign_documents to {other_policies} in the table's SyncPolicy",
    )


def copy_into(
    staging: Collection[Document], live: Collection[Document], loaded: Iterable[KeyRange], *, comment: str
) -> int:
    """Copy the foreign documents into staging, byte for byte; gives how many.

    Raises:
        TargetError: One of them has the key, or a unique value, of a row that was just loaded.
    """
    copied = 0
    batch: list[Any] = []
    for found in foreign_ids(live, loaded, comment=comment):
        batch.append(found)
        if len(batch) == _BATCH:
            copied += _copy(staging, live, batch, comment)
            batch = []
    return copied + (_copy(staging, live, batch, comment) if batch else 0)


def _copy(staging: Collection[Document], live: Collection[Document], ids: list[Any], comment: str) -> int:
    requests: list[Any] = []
    batches: Any = live.find_raw_batches({"_id": {"$in": ids}}, comment=comment)
    for raw in batches:
        requests += [InsertOne(RawBSONDocument(document)) for document in split_documents(raw)]
    if not requests:
        return 0  # the application has removed them meanwhile
    try:  # they are kept as they are, whatever the validator says of them
        result = staging.bulk_write(requests, ordered=False, bypass_document_validation=True, comment=comment)
    except BulkWriteError as error:
        clash = (error.details or {})["writeErrors"][0]
        raise TargetError(
            f"{live.full_name}: a foreign document that is to be kept clashes with a loaded row on "
            f"{', '.join(clash.get('keyPattern', {'?': 1}))}.",
            "move that document away, or let the policy foreign_documents be 'refuse' or 'delete'",
        ) from None
    if result.inserted_count != len(requests):
        raise TargetError(
            f"{staging.full_name}: {len(requests)} foreign documents were sent, {result.inserted_count} inserted. That "
            "does not add up.",
            "run again; nothing was published",
        )
    return len(requests)


def _stretches(loaded: Iterable[KeyRange]) -> Iterator[tuple[Any, Any, bytes]]:
    """The whole key space, from the lowest to the highest possible `_id` of any type, cut where the ranges begin."""
    first: Any = None
    keys = b""
    for position, key_range in enumerate(loaded):
        if position:
            yield first, key_range.first, keys
            first = key_range.first
        keys = key_range.keys
    yield first, None, keys
