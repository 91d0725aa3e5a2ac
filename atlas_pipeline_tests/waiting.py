"""Waiting for an event instead of for a time.

What belongs here: the one loop that looks again and again. What does not: what is waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

DEADLINE_SECONDS = 120.0
"""When an event is given up that never comes; on a machine that is busy, one may be late by very much."""
_EVERY_SECONDS = 0.02

Found = TypeVar("Found")


def wait_until(condition: Callable[[], Found], what: str) -> Found:
    """Wait for an event and give what the condition gave; fails with the event's name when it does not come."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:.0f} s: {what}"
        time.sleep(_EVERY_SECONDS)
    return found
