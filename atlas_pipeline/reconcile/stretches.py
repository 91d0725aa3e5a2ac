"""Comparing stretches of keys one after the other, in one process, and settling what they find.

What belongs here: choosing the way of comparing, and going on when the collection is replaced meanwhile. What does not:
spreading stretches over processes, and keeping records (`verify`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pymongo.errors import OperationFailure

from atlas_pipeline.errors import TargetError
from atlas_pipeline.extract.snapshot import Stretch
from atlas_pipeline.reconcile.differences import Difference, Tally
from atlas_pipeline.reconcile.fields import FieldComparison
from atlas_pipeline.reconcile.place import Opened
from atlas_pipeline.reconcile.series import SeriesComparison
from atlas_pipeline.reconcile.settle import Settler
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.unordered import KeyedComparison
from atlas_pipeline.reconcile.walk import Walk

SETTLE_SECONDS = 20.0
"""Suspects wait at most so long for others that are settled with them; a killed run loses no more than that."""
MOST_REPLACEMENTS = 5
_CURSOR_ENDED = frozenset({11, 26, 43, 175, 237})
"""What a server says of a cursor when the collection was dropped or replaced under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Numbered:
    """A stretch of keys with its place among those of the table, and the `_id`s at which its key ranges begin, but the
    first.
    """

    position: int
    stretch: Stretch
    cuts: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StretchOutcome:
    """What comparing one stretch found.

    Attributes:
        position: Which stretch.
        tally: Its counts; those of settling are in the last one that was settled together.
        digest: Hex digest over its documents.
        uuid: By which the server knew the collection then.
        differences: The differences that persisted, of all stretches that were settled together with it.
    """

    position: int
    tally: Tally
    digest: str
    uuid: Any
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Stretches to compare, and how.

    Attributes:
        stretches: In the order of keys.
        ordered: Whether the source orders the keys as the target does.
        secret: Key of the fingerprints of secret values.
        wait_seconds: How long to wait before a suspect is looked at again.
    """

    stretches: Sequence[Numbered]
    ordered: bool
    secret: bytes
    wait_seconds: float


class _ReplacedError(Exception):
    """The collection is not the one any more that the comparison began with."""


def compare_stretches(
    opened: Opened, task: Task, progress: Callable[[int], None] = lambda _: None
) -> Iterator[StretchOutcome]:
    """Compare stretches, and give the outcome of each as soon as nothing of it is left to settle.

    Args:
        opened: Source and target.
        task: What to compare.
        progress: Called with the number of rows that were compared.

    Raises:
        OutOfOrderError: The source orders its keys in another way than the target, and `task.ordered` says it does not.
        AtlasError: Something could not be compared.
    """
    left = list(task.stretches)
    for _ in range(MOST_REPLACEMENTS):
        with opened.sides() as sides:
            work = _Work(opened, sides, task, progress)
            try:
                for outcome in work.outcomes(left):
                    yield outcome
                    left = [one for one in left if one.position != outcome.position]
            except _ReplacedError:
                continue
        return
    raise replaced_too_often(opened)


def replaced_too_often(opened: Opened) -> TargetError:
    """The error to raise when a collection was replaced again and again while it was compared."""
    return TargetError(
        f"{opened.catalog.database}.{opened.table.collection} was replaced {MOST_REPLACEMENTS} times while it was "
        "compared.",
        "verify when no sync of it runs",
    )


@dataclass(slots=True)
class _Work:
    opened: Opened
    sides: Sides
    task: Task
    progress: Callable[[int], None]
    _done: list[StretchOutcome] = field(default_factory=list)
    _settled: float = field(default_factory=time.monotonic)

    def outcomes(self, stretches: Sequence[Numbered]) -> Iterator[StretchOutcome]:
        settler = Settler(
            self.opened.sides,
            FieldComparison(self.sides.table.secret_paths, self.task.secret),
            wait_seconds=self.task.wait_seconds,
        )
        uuid = self.sides.uuid()
        repeated = self.sides.repeats_keys()
        for number, one in enumerate(stretches):
            differences: list[Difference] = []
            comparison = self._comparison(one, repeated)
            try:
                for suspect in comparison.suspects():
                    settler.add(suspect, comparison.tally)
                    if settler.full:
                        differences += settler.settle(comparison.tally)
            except OperationFailure as error:
                if error.code in _CURSOR_ENDED and self.sides.uuid() != uuid:
                    raise _ReplacedError from None
                raise
            if self.sides.uuid() != uuid:
                raise _ReplacedError
            self._done.append(
                StretchOutcome(position=one.position, tally=comparison.tally, digest=comparison.digest, uuid=uuid)
            )
            last = number == len(stretches) - 1
            if last or settler.idle or differences or time.monotonic() - self._settled >= SETTLE_SECONDS:
                differences += settler.settle(comparison.tally)
                yield from self._given(differences)

    def _given(self, differences: Sequence[Difference]) -> Iterator[StretchOutcome]:
        done, self._done = self._done, []
        self._settled = time.monotonic()
        yield from done[:-1]
        yield replace(done[-1], differences=tuple(differences))

    def _comparison(self, one: Numbered, repeated: bool) -> Any:
        if self.sides.series is not None:
            return SeriesComparison(self.sides)
        if not self.task.ordered:
            return KeyedComparison(self.sides, repeated, self.progress)
        return Walk(self.sides, one.stretch, repeated, self.progress, cuts=one.cuts)
