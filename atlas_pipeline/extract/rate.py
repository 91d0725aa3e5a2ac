"""How fast a source is read, where a table's policy bounds it.

The pace is kept at the fetch, the lowest place that every reading of whole rows passes: a sync, a verification and a
plan alike spare the source, and no pause is longer than a second. What does not belong here: back-pressure by the
target, which the bounded queue of `batching.read_ahead` gives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sized
from typing import TypeVar

Rows = TypeVar("Rows", bound=Sized)

BURST_SECONDS = 0.1
"""How much of its pace a reader may catch up after it waited for others."""


def paced(fetch: Callable[[int], Rows], rows_per_second: int | None) -> Callable[[int], Rows]:
    """A fetch that gives rows no faster than this, on average; the same fetch where nothing bounds it.

    Args:
        fetch: Gives up to so many further rows.
        rows_per_second: The bound, or None.
    """
    if rows_per_second is None:
        return fetch
    rate = rows_per_second
    paid_until = time.monotonic()

    def fetch_at_pace(rows: int) -> Rows:
        nonlocal paid_until
        fetched = fetch(min(rows, rate))
        now = time.monotonic()
        paid_until = max(paid_until, now - BURST_SECONDS) + len(fetched) / rate
        if paid_until > now:
            time.sleep(paid_until - now)
        return fetched

    return fetch_at_pace
