"""Some of many things that pass by once, each with the same chance, in constant memory."""

from __future__ import annotations

import random
from typing import Generic, TypeVar

T = TypeVar("T")


class SomeOfAll(Generic[T]):
    """A reservoir: as many things as it takes, chosen by a seed from all that were added.

    Args:
        most: How many it takes.
        seed: Which choice.
    """

    def __init__(self, most: int, *, seed: str) -> None:
        self._most, self._random, self._passed = most, random.Random(seed), 0  # noqa: S311 - a sample, not a secret
        self.chosen: list[T] = []

    def add(self, one: T) -> None:
        """Let one more pass by."""
        self._passed += 1
        if len(self.chosen) < self._most:
            self.chosen.append(one)
        elif (at := self._random.randrange(self._passed)) < self._most:
            self.chosen[at] = one
