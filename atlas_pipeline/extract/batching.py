"""Cutting a stream of rows into batches that are bounded by rows and by bytes, and reading ahead by a bounded queue."""

from __future__ import annotations

import gc
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, Generic, TypeVar

Row = tuple[Any, ...]
T = TypeVar("T")

BATCH_ROWS = 2_000
BATCH_BYTES = 4 * 1024 * 1024
FETCH_ROWS = 100
FETCH_BYTES = 512 * 1024
"""What one fetch should bring at most, where single values can be large: what it returns cannot be cut any more."""
FETCH_ROWS_UNBOUNDED = 20
"""Rows per fetch where single values can be large, however small the last ones were."""
AHEAD = 2
"""Batches that a reader may be ahead, and as many times their bytes: large rows do not multiply by their number."""
SHARE_OF_BUDGET = 32
"""A batch is this part of the memory that a table may take on its way: about eight are there at the same time (one in
the reader's hand, two that wait, one that is mapped, four that the server has), each as rows, as the bytes of their
fingerprint, as documents and as a message.
"""


def bytes_of_batch(budget_mb: int) -> int:
    """Bytes of a batch for this budget of what may be on its way, in MB of 1,048,576 bytes."""
    return budget_mb * 1024 * 1024 // SHARE_OF_BUDGET


class Batch(list[Row]):
    """Rows that were read together.

    Attributes:
        size: About how many bytes their large columns hold.
        full: As many make a batch full.
    """

    size: int = 0
    full: int = BATCH_BYTES


def batched_rows(
    fetch: Callable[[int], list[Row]],
    unbounded: Sequence[int],
    *,
    batch_bytes: int = BATCH_BYTES,
    fetch_rows: int | None = None,
) -> Iterator[Batch]:
    """Batches of at most BATCH_ROWS rows, closed early once their large columns hold as many bytes as a batch may.

    Args:
        fetch: Gives up to so many further rows, and an empty list at the end.
        unbounded: Positions of the columns whose values can be large.
        batch_bytes: Bytes of a batch.
        fetch_rows: Rows per fetch where no value can be large; FETCH_ROWS unless given.
    """
    most = FETCH_ROWS if fetch_rows is None else fetch_rows
    step, largest = (1, FETCH_ROWS_UNBOUNDED) if unbounded else (most, most)
    batch = Batch()
    while rows := fetch(min(step, BATCH_ROWS - len(batch))):
        batch += rows
        if unbounded:
            fetched = sum(_size(row[position]) for position in unbounded for row in rows)
            batch.size += fetched
            step = max(1, min(largest, 2 * step, FETCH_BYTES * len(rows) // max(1, fetched)))
        if len(batch) >= BATCH_ROWS or batch.size >= batch_bytes:
            batch.full = batch_bytes
            yield batch
            batch = Batch()
    if batch:
        batch.full = batch_bytes
        yield batch


def _size(value: Any) -> int:
    """About how many bytes a value takes that can be large."""
    if isinstance(value, str | bytes):
        return len(value)
    return sum(map(_size, value)) if isinstance(value, list) else 8


class _Waiting(Generic[T]):
    """Items on their way from a reader to a consumer, bounded by number and by bytes; one always has room."""

    def __init__(self, most: int) -> None:
        self._most, self._bytes = most, 0
        self._items: deque[tuple[str, Any, int]] = deque()
        self._changed = threading.Condition()
        self._stopped = False

    def put(self, kind: str, payload: Any = None) -> bool:
        """Wait for room and put an item; gives whether the consumer still wants one."""
        size, full = _size_of(payload)
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._has_room(size, full))
            if not self._stopped:
                self._items.append((kind, payload, size))
                self._bytes += size
                self._changed.notify_all()
            return not self._stopped

    def take(self) -> tuple[str, Any]:
        """Wait for an item and take it."""
        with self._changed:
            self._changed.wait_for(lambda: self._items)
            kind, payload, size = self._items.popleft()
            self._bytes -= size
            self._changed.notify_all()
            return kind, payload

    def stop(self) -> None:
        """Want no more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def _has_room(self, size: int, full: int) -> bool:
        room = self._bytes + size <= self._most * full
        return not self._items or (room and len(self._items) < self._most)


def read_ahead(items: Iterator[T], depth: int = AHEAD) -> Generator[T]:
    """Run `items` in a thread, at most `depth` items ahead of the consumer, or one, where they are large.

    An exception of the producer is raised at the consumer. When the generator is closed, the producer stops too and is
    waited for, so that nobody reads a connection that is about to be closed: wrap it in `contextlib.closing`.
    """
    waiting: _Waiting[T] = _Waiting(depth)

    def produce() -> None:
        try:
            for item in items:
                if not waiting.put("item", item):
                    return
        except BaseException as error:  # handed to the consumer, whatever it is
            waiting.put("error", error)
        else:
            waiting.put("end")
        finally:
            if isinstance(items, Generator):
                items.close()  # in this thread, which may be in the middle of it

    thread = threading.Thread(target=produce, name="atlas-reader", daemon=True)
    with _FEWER_COLLECTIONS:
        thread.start()
        try:
            while True:
                kind, payload = waiting.take()
                if kind == "end":
                    return
                if kind == "error":
                    raise payload
                yield payload
        finally:
            waiting.stop()
            thread.join()


class _FewerCollections:
    """Lets Python look for reference cycles less often while rows pass by: thousands of tuples and documents come and
    go, none of them in a cycle, and looking took an eighth of a load's time. Can be entered by several at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entered = 0
        self._before = gc.get_threshold()

    def __enter__(self) -> None:
        with self._lock:
            if not self._entered:
                self._before = gc.get_threshold()
                gc.set_threshold(*map(max, self._before, _THRESHOLDS))
            self._entered += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._entered -= 1
            if not self._entered:
                gc.set_threshold(*self._before)


_THRESHOLDS = (100_000, 20, 50)
"""Containers after which Python looks among the youngest, and after how many such looks among the older ones."""
_FEWER_COLLECTIONS = _FewerCollections()


def _size_of(item: object) -> tuple[int, int]:
    """Bytes of what is read ahead, rows as far as they can be large or encoded documents; bytes of a full batch."""
    if isinstance(item, Batch):
        return item.size, item.full
    return len(item) if isinstance(item, bytes) else 0, BATCH_BYTES
