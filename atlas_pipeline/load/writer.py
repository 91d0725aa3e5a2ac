"""Encoded documents into a collection, in bulk, overlapped and counted.

Batches are acknowledged in the order in which they were sent. What the server says it inserted must equal what was
sent; what it refuses document by document comes back by position; anything else stops the load. What does not belong
here: where documents come from and which collection this is.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Generic, TypeVar

from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection
from pymongo.errors import AutoReconnect

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.batching import BATCH_BYTES
from atlas_pipeline.load import pace
from atlas_pipeline.load.transient import deliver
from atlas_pipeline.mapping.reject import RejectCode

FLIGHT_BATCHES = 3
"""As many times the bytes of a batch may wait for their acknowledgement: this bounds the memory."""
COMMAND_BYTES = 12 * 1024 * 1024
"""Documents of one command; the server takes 16 MiB, and a single document that large."""

DUPLICATE_KEY = 11000
REFUSALS = {
    121: (RejectCode.REFUSED_BY_SERVER, "the collection's validator refuses the document"),
    10334: (RejectCode.TOO_LARGE, "the server finds the document too large"),
    17280: (RejectCode.REFUSED_BY_SERVER, "an index key is too large"),
    15: (RejectCode.JSON_DEPTH, "the server finds the document nested too deeply"),
}
"""What the server says of a single document, by its code; anything else is no matter of one document."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Acknowledged(Generic[T]):
    """One batch that the server has answered for.

    Attributes:
        payload: What the sender attached.
        documents: The documents as sent.
        refused: Position in `documents` -> why the server did not take it.
    """

    payload: T
    documents: Sequence[bytes]
    refused: dict[int, tuple[RejectCode, str]]


class BulkWriter(Generic[T]):
    """Inserts batches with a few threads. Use as a context manager; leaving it waits for the threads.

    Args:
        collection: Where to insert; must belong to this run alone.
        comment: Run id, shown in the server's log and current operations.
        batch_bytes: Bytes of a batch of rows.
    """

    def __init__(self, collection: Collection[Any], *, comment: str, batch_bytes: int = BATCH_BYTES) -> None:
        self._collection = collection
        self._comment, self._batch_bytes = comment, batch_bytes
        self._pool = ThreadPoolExecutor(max_workers=pace.MOST_IN_FLIGHT, thread_name_prefix="atlas-writer")
        self._waiting: deque[tuple[T, Sequence[bytes], Future[dict[int, tuple[RejectCode, str]]]]] = deque()
        self._bytes: deque[int] = deque()
        self._pace = pace.Pace()

    def __enter__(self) -> BulkWriter[T]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def send(self, documents: Sequence[bytes], payload: T) -> Iterator[Acknowledged[T]]:
        """Send a batch; gives the batches acknowledged meanwhile. Waits while too many are in flight.

        Raises:
            TargetError: A count does not add up, or the server refused for a reason that no single document explains.
        """
        size = sum(map(len, documents))
        while self._is_full(size):
            yield self._oldest()
        self._waiting.append((payload, documents, self._pool.submit(self._insert, documents)))
        self._bytes.append(size)

    def finish(self) -> Iterator[Acknowledged[T]]:
        """The rest, as it is acknowledged."""
        while self._waiting:
            yield self._oldest()

    def _is_full(self, size: int) -> bool:
        """Whether so many more bytes have to wait: the server has as much as it should get at once, or memory has."""
        many = len(self._waiting) >= self._pace.in_flight
        return many or (bool(self._waiting) and sum(self._bytes) + size > FLIGHT_BATCHES * self._batch_bytes)

    def _oldest(self) -> Acknowledged[T]:
        payload, documents, future = self._waiting.popleft()
        self._bytes.popleft()
        return Acknowledged(payload, documents, future.result())

    def _insert(self, documents: Sequence[bytes]) -> dict[int, tuple[RejectCode, str]]:
        if not documents:
            return {}
        inserted = 0

        def write(positions: Sequence[int]) -> list[dict[str, Any]]:
            nonlocal inserted
            count, errors = self._write([documents[position] for position in positions])
            inserted += count
            return errors

        refused: dict[int, tuple[RejectCode, str]] = {}
        repeated: list[int] = []
        for position, error in deliver(range(len(documents)), write).items():
            if error["code"] == DUPLICATE_KEY and "_id" in error.get("keyPattern", {}):
                repeated.append(position)
            elif error["code"] in REFUSALS:
                refused[position] = REFUSALS[error["code"]]
            else:
                raise TargetError(
                    f"{self._collection.full_name}: the server refused a document with code {error['code']}.",
                    "look into the server's log",
                )
        self._require_written([documents[position] for position in repeated])
        if inserted + len(repeated) + len(refused) != len(documents):
            raise TargetError(
                f"{self._collection.full_name}: {len(documents)} documents were sent, {inserted} inserted, "
                f"{len(repeated)} there already, {len(refused)} refused. That does not add up.",
                "run again; nothing was published",
            )
        return refused

    def _write(self, documents: Sequence[bytes]) -> tuple[int, list[dict[str, Any]]]:
        """Insert unordered; gives how many the server says it inserted, and its errors by position. A repeated attempt
        meets what the first one wrote; those come back as repeated keys.

        By the command itself: the driver's bulk interface takes twice as long for each document.
        """
        inserted, errors = 0, list[dict[str, Any]]()
        for start, end in _pieces(documents, self._pace.documents):
            began = time.monotonic()
            answer = self._collection.database.command(
                "insert",
                self._collection.name,
                documents=[RawBSONDocument(document) for document in documents[start:end]],
                ordered=False,
                writeConcern=self._collection.write_concern.document,
                comment=self._comment,
            )
            self._pace.answered(end - start, time.monotonic() - began)
            if "writeConcernError" in answer:
                raise AutoReconnect("write concern not met")  # written or not: the repeated attempt will tell
            inserted += answer["n"]
            errors += [{**error, "index": start + error["index"]} for error in answer.get("writeErrors", ())]
        return inserted, errors

    def _require_written(self, documents: Sequence[bytes]) -> None:
        """A key that is there already is fine only with these very bytes: then an earlier attempt wrote it."""
        for document in documents:
            sent = RawBSONDocument(document)
            raw = self._collection.find_raw_batches({"_id": sent["_id"]}, comment=self._comment)
            if b"".join(raw) != document:
                raise TargetError(
                    f"{self._collection.full_name}: another document with one of our keys appeared while loading.",
                    "find out who else writes to this staging collection, then run again",
                )


def _pieces(documents: Sequence[bytes], most: int) -> Iterator[tuple[int, int]]:
    """Where to cut documents, so that each piece fits into one command and holds at most so many."""
    start = size = 0
    for position, document in enumerate(documents):
        size += len(document)
        if (size > COMMAND_BYTES or position - start >= most) and position > start:
            yield start, position
            start, size = position, len(document)
    yield start, len(documents)
