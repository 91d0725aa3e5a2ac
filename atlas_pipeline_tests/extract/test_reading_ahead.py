"""Reading ahead: bounded, nothing lost, errors passed on, and the reader gone when nobody wants more."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from atlas_pipeline.extract import batching
from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline_tests.waiting import DEADLINE_SECONDS, wait_until

DEPTH = 2


class Numbers:
    """Counts up, and tells how far it has come."""

    def __init__(self, end: int = 10**9, error: BaseException | None = None) -> None:
        self.given = 0
        self._end, self._error = end, error

    def __iter__(self) -> Iterator[int]:
        while self.given < self._end:
            self.given += 1
            yield self.given
        if self._error is not None:
            raise self._error


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "atlas-reader"]


def test_everything_comes_once_and_in_order() -> None:
    assert list(read_ahead(iter(Numbers(500)), DEPTH)) == list(range(1, 501))
    assert list(read_ahead(iter(Numbers(0)), DEPTH)) == []
    assert readers() == []


def test_the_reader_is_ahead_by_a_bounded_number() -> None:
    numbers = Numbers(300)
    ahead = read_ahead(iter(numbers), DEPTH)
    bound = DEPTH + 1  # and one in its hand
    for consumed, _ in enumerate(ahead, start=1):
        assert numbers.given <= consumed + bound
        if consumed == 1:
            wait_until(lambda: numbers.given == 1 + bound, "all that it may read ahead")
    assert numbers.given == 300


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(3)])
def test_an_error_of_the_reader_comes_after_what_was_read_before_it(error: BaseException) -> None:
    read: list[int] = []
    with pytest.raises(type(error)) as caught:
        read.extend(read_ahead(iter(Numbers(5, error)), DEPTH))
    assert caught.value is error
    assert read == [1, 2, 3, 4, 5]
    assert readers() == []


def test_the_reader_ends_when_the_consumer_stops() -> None:
    numbers = Numbers()
    for number in read_ahead(iter(numbers), DEPTH):
        if number == 3:
            break
    assert readers() == []
    assert numbers.given <= 3 + DEPTH + 1


def test_the_reader_ends_when_the_consumer_fails_though_the_error_is_kept() -> None:
    def consume() -> None:
        for number in read_ahead(iter(Numbers()), DEPTH):
            raise ValueError(number)

    with pytest.raises(ValueError, match="1") as caught:
        consume()
    assert readers() == []
    assert caught.value.__traceback__ is not None


def test_the_reader_is_waited_for_in_the_middle_of_a_read() -> None:
    """Whoever stops may close the connection right away, so the reader must not be using it any more."""
    reading, done = threading.Event(), threading.Event()

    def slow() -> Iterator[int]:
        yield 1
        reading.set()
        time.sleep(0.2)  # a read that nothing can cut short
        done.set()
        yield 2

    for _ in read_ahead(slow(), DEPTH):
        assert reading.wait(DEADLINE_SECONDS)
        break
    assert done.is_set()
    assert readers() == []


def test_what_is_large_waits_one_at_a_time() -> None:
    """Ten large values must not be there at once because a queue has ten places."""
    given = 0

    def large() -> Iterator[bytes]:
        nonlocal given
        for _ in range(20):
            given += 1
            yield bytes(batching.BATCH_BYTES * DEPTH + 1)

    for consumed, _ in enumerate(read_ahead(large(), DEPTH), start=1):
        assert given <= consumed + 2  # one waits, one is in the reader's hand
        wait_until(lambda at=consumed: given == min(20, at + 2), "all that it may read ahead")


def test_collections_are_fewer_while_somebody_reads_and_as_before_afterwards() -> None:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    try:
        _read_twice()
        assert gc.get_threshold() == (700, 10, 10)
    finally:
        gc.set_threshold(*before)


def _read_twice() -> None:
    with closing(read_ahead(iter(Numbers(3)), DEPTH)) as one, closing(read_ahead(iter(Numbers(3)), DEPTH)) as other:
        assert (next(one), next(other)) == (1, 1)
        one.close()
        assert gc.get_threshold()[0] > 700
