"""Correcting many keys, in pages, until nothing moves any more.

A row that another document is in the way of may be corrected when that one has been; so such rows are tried again as
long as that helps. What does not belong here: correcting a page (`corrections`), and which keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.reconcile.corrections import Corrections
from atlas_pipeline.reconcile.differences import Difference, Kind
from atlas_pipeline.reconcile.points import KEYS_AT_ONCE
from atlas_pipeline.reconcile.repair_result import pages
from atlas_pipeline.reconcile.sides import Sides

PAGE_BYTES = 32 * 1024 * 1024
"""Size of the documents that are held in memory at once, by their average size."""


def correct_all(
    corrections: Corrections,
    differences: Iterable[Difference],
    size: int,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Difference]:
    """Correct each key once, and those that another document is in the way of as long as that helps.

    Args:
        corrections: By which view, and with what.
        differences: The keys.
        size: How many are held in memory at once.
        progress: Called with the number of keys that are done.

    Returns:
        Further keys that were looked at, and corrected where they differ: those of the documents in the way.
    """
    waiting: list[Difference] = []
    for page in pages(differences, size):
        waiting += [replace(one, fields=()) for one in corrections.correct(page)]
        progress(len(page))
    further: list[Difference] = []
    met = {sort_key(one.identifier) for one in waiting}
    while waiting:
        others = [_looked_at(one) for one in corrections.in_the_way() if sort_key(one) not in met]
        further += others
        met.update(sort_key(one.identifier) for one in others)
        equal = corrections.done.equal  # nobody asked for those
        waiting = [one for page in pages(others, size) for one in corrections.correct(page)] + waiting
        corrections.done.equal = equal
        stuck = [one for page in pages(waiting, size) for one in corrections.correct(page)]
        if len(stuck) == len(waiting) and not others:
            for page in pages(stuck, size):
                corrections.correct(page, last=True)
            return further
        waiting = stuck
    return further


def _looked_at(identifier: Any) -> Difference:
    return Difference(identifier=identifier, key=repr(identifier), kind=Kind.VALUE, first_seen=datetime.now(UTC))


def page_size(sides: Sides) -> int:
    """How many keys may be held in memory at once."""
    stats = next(iter(sides.collection.aggregate([{"$collStats": {"storageStats": {}}}], comment=sides.comment)))
    average = int(stats["storageStats"].get("avgObjSize") or 1)
    return max(1, min(KEYS_AT_ONCE, PAGE_BYTES // average))
