"""Which documents of a collection are asked for: drawn at random, and the same ones again from the same seed.

The server's own `$sample` takes no seed, so an index is read once through and memory is bounded by the draw.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, TypeVar

from pymongo.collection import Collection

POOL = 10_000
"""How many are drawn at most; calls choose among these."""

T = TypeVar("T")


def generator(seed: int, purpose: str) -> Random:
    """Random numbers for one purpose, so that one operation does not change what another one asks for."""
    return Random(f"{seed}:{purpose}")  # noqa: S311  made to be repeated, not to be secret


def drawn(values: Iterable[T], numbers: Random, *, size: int = POOL) -> list[T]:
    """So many of the values, each with the same chance; all of them when there are fewer."""
    pool: list[T] = []
    for position, value in enumerate(values):
        if position < size:
            pool.append(value)
        elif (place := numbers.randrange(position + 1)) < size:
            pool[place] = value
    return pool


def ids_of(collection: Collection[dict[str, Any]], numbers: Random, *, size: int = POOL) -> list[Any]:
    """Ids drawn from the index of ids."""
    found = collection.find({}, {"_id": 1}).sort("_id", 1)
    return drawn((one["_id"] for one in found), numbers, size=size)
