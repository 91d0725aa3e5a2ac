"""A table with a bound is read no faster than it says, and whole; one without is not slowed down."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from atlas_pipeline.extract.rate import BURST_SECONDS, paced
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline_tests.extract.source_files import ITEMS, all_rows, item, source_of, write_items

ROWS = 1_000
RATE = 2_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    path = tmp_path / "source" / "items.sqlite3"
    write_items(path, [item(n) for n in range(ROWS)])
    return path


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def test_a_bound_is_kept_and_every_row_comes(path: Path) -> None:
    bounded = replace(ITEMS, sync=SyncPolicy(rows_per_second=RATE))
    with source_of(path).snapshot() as snapshot:
        rows = all_rows(snapshot, ITEMS)
        assert len(rows) == ROWS
        free = min(seconds(lambda: all_rows(snapshot, ITEMS)) for _ in range(3))
        began = time.monotonic()
        assert all_rows(snapshot, bounded) == rows
        took = time.monotonic() - began
    assert took >= ROWS / RATE - BURST_SECONDS
    assert took > 2 * free


def test_twice_the_bound_takes_half_the_time() -> None:
    def read(rows_per_second: int) -> None:
        given = 0
        fetch = paced(lambda rows: [0] * rows, rows_per_second)
        while given < ROWS:
            given += len(fetch(100))

    slow, fast = (min(seconds(lambda: read(rate)) for _ in range(2)) for rate in (2 * RATE, 4 * RATE))  # noqa: B023
    assert 1.3 < slow / fast < 3


def test_no_pause_is_longer_than_a_second_however_low_the_bound() -> None:
    asked: list[int] = []

    def fetch(rows: int) -> list[int]:
        asked.append(rows)
        return []

    paced(fetch, 7)(100)
    paced(fetch, 700)(100)
    assert asked == [7, 100]


def test_without_a_bound_the_fetch_is_the_source_s_own() -> None:
    def fetch(rows: int) -> list[int]:
        return [0] * rows

    assert paced(fetch, None) is fetch
