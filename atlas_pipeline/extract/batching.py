"""Cutting a stream of rows into batches that are bounded by rows and by bytes, and reading ahead by a bounded queue."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import Any, TypeVar

Row = tuple[Any, ...]
T = TypeVar("T")

BATCH_ROWS = 2_000
BATCH_BYTES = 4 * 1024 * 1024
FETCH_ROWS = 100
FETCH_ROWS_UNBOUNDED = 20
"""Rows per fetch where single values can be large: what a fetch returns cannot be cut any more."""
FETCH_BYTES = 512 * 1024
"""As long as FETCH_ROWS rows stay below this, the next fetch is for so many, though single values could be large."""


def batched_rows(fetch: Callable[[int], list[Row]], unbounded: Sequence[int]) -> Iterator[list[Row]]:
    """Batches of at most BATCH_ROWS rows, closed early once their large columns hold BATCH_BYTES.

    Args:
        fetch: Gives up to so many further rows, and an empty list at the end.
        unbounded: Positions of the columns whose values can be large.
    """
    step = FETCH_ROWS_UNBOUNDED if unbounded else FETCH_ROWS
    batch: list[Row] = []
    size = 0
    while rows := fetch(step):
        batch += rows
        if unbounded:
            fetched = sum(_size(row[position]) for position in unbounded for row in rows)
            size += fetched
            step = FETCH_ROWS if fetched * FETCH_ROWS <= FETCH_BYTES * len(rows) else FETCH_ROWS_UNBOUNDED
        if len(batch) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _size(value: Any) -> int:
    """About how many bytes a value takes that can be large."""
    if isinstance(value, str | bytes):
        return len(value)
    return sum(map(_size, value)) if isinstance(value, list) else 8


def read_ahead(items: Iterator[T], depth: int = 2) -> Generator[T]:
    """Run `items` in a thread, at most `depth` items ahead of the consumer.

    An exception of the producer is raised at the consumer. When the generator is closed, the producer stops too and is
    waited for, so that nobody reads a connection that is about to be closed: wrap it in `contextlib.closing`.
    """
    waiting: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=depth)
    stop = threading.Event()

    def put(kind: str, payload: Any) -> bool:
        while not stop.is_set():
            try:
                waiting.put((kind, payload), timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def produce() -> None:
        try:
            for item in items:
                if not put("item", item):
                    return
        except BaseException as error:  # handed to the consumer, whatever it is
            put("error", error)
        else:
            put("end", None)
        finally:
            if isinstance(items, Generator):
                items.close()  # in this thread, which may be in the middle of it

    thread = threading.Thread(target=produce, name="atlas-reader", daemon=True)
    thread.start()
    try:
        while True:
            kind, payload = waiting.get()
            if kind == "end":
                return
            if kind == "error":
                raise payload
            yield payload
    finally:
        stop.set()
        thread.join()
