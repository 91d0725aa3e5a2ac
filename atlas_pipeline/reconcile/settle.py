"""Whether a difference counts: both sides may be changing, so every suspect is looked at again after a while.

What differs in the same way as before, though neither side changed, is a difference. What changed meanwhile is looked
at once more. What changed at the source after the last sync is pending, where the table has a change cursor. Memory is
bounded: of a suspect only a fingerprint is kept. What does not belong here: finding suspects (`walk`).
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import bson

from atlas_pipeline.load.bson_order import SortKey, sort_key
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.foreign import foreign_among
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.differences import Difference, FieldDifference, Kind, Tally
from atlas_pipeline.reconcile.fields import FieldComparison, shown
from atlas_pipeline.reconcile.points import Point, look
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.walk import Suspect

WAIT_SECONDS = 2.0
"""How far apart the writers of both sides may be before a difference counts."""
MOST_LOOKS = 5
"""How often a key that differs in another way each time is looked at again; then it counts as pending."""
MOST_WAITING = 20_000
"""Suspects that are held in memory before they are settled."""
MOST_NAMED = 5_000
"""Differences whose fields are named; of further ones only the key and the kind."""


@dataclass(frozen=True, slots=True)
class _Waiting:
    identifier: Any
    state: bytes
    first_seen: datetime
    keyless: str = ""
    """Why it is refused, for a row whose key no document can have. The `_id` null is a key."""


class Settler:
    """Takes suspects, and gives the differences among them.

    Args:
        again: Opens both sides anew, with a new view of the source.
        comparison: Compares fields.
        wait_seconds: How long to wait before a suspect is looked at again.
    """

    def __init__(
        self,
        again: Callable[[], AbstractContextManager[Sides]],
        comparison: FieldComparison,
        *,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self._again, self._comparison, self._wait_seconds = again, comparison, wait_seconds
        self._waiting: dict[SortKey, _Waiting] = {}
        self._keyless: list[_Waiting] = []
        self._seen = 0.0
        self._named = 0

    @property
    def idle(self) -> bool:
        """Whether nothing waits."""
        return not self._waiting and not self._keyless

    @property
    def full(self) -> bool:
        """Whether as many suspects wait as may be held in memory."""
        return len(self._waiting) + len(self._keyless) >= MOST_WAITING

    def add(self, suspect: Suspect, tally: Tally) -> None:
        """Take note of a suspect. One key is looked at again once, though both its row and its document were met."""
        order = sort_key(suspect.identifier)
        self._seen = time.monotonic()
        keyless = ""
        if suspect.identifier is None and suspect.actual is None:
            keyless = "a row without a usable key is not in quarantine"
            keyless += f" ({suspect.reject.code}, column {suspect.reject.column})" if suspect.reject else ""
        state = _state(suspect.expected, suspect.actual)
        waiting = _Waiting(suspect.identifier, state, datetime.now(UTC), keyless)
        if keyless:
            self._keyless.append(waiting)
        elif order in self._waiting:
            return
        else:
            self._waiting[order] = waiting
        tally.first_seen += 1

    def settle(self, tally: Tally) -> list[Difference]:
        """Look at everything that waits again, until it is known what becomes of it; counts it too.

        Raises:
            SourceError: The source cannot be read.
        """
        differences = [
            Difference(identifier=None, key="(no key)", kind=Kind.MISSING, why=one.keyless, first_seen=one.first_seen)
            for one in self._keyless
        ]
        waiting = list(self._waiting.values())
        self._waiting, self._keyless = {}, []
        for _ in range(MOST_LOOKS):
            if not waiting:
                break
            time.sleep(max(0.0, self._seen + self._wait_seconds - time.monotonic()))
            with self._again() as sides:
                persisted, waiting = self._look(sides, waiting, tally)
                self._seen = time.monotonic()
                differences += self._judged(sides, persisted, tally)
        tally.pending += len(waiting)
        for difference in differences:
            tally.kinds[difference.kind] += 1
        return differences

    def _look(
        self, sides: Sides, waiting: list[_Waiting], tally: Tally
    ) -> tuple[list[tuple[Point, _Waiting]], list[_Waiting]]:
        """What differs as it did before, and what differs in another way. Counts the rest."""
        persisted: list[tuple[Point, _Waiting]] = []
        moving: list[_Waiting] = []
        points = look(sides, [one.identifier for one in waiting])
        for point, one in zip(points, waiting, strict=True):
            state = _state(point.expected, point.actual)
            if point.equal:
                tally.equal += point.actual is not None
                tally.quarantined += point.actual is None and point.quarantined
            elif point.row is not None and sides.changed_since(point.row):
                tally.pending += 1
            elif state == one.state:
                persisted.append((point, one))
            else:
                moving.append(_Waiting(one.identifier, state, one.first_seen))
        return persisted, moving

    def _judged(self, sides: Sides, persisted: list[tuple[Point, _Waiting]], tally: Tally) -> Iterator[Difference]:
        extra = {_hash(point.identifier) for point, _ in persisted if point.row is None}
        foreign = foreign_among(extra, sides.ledger.published_ranges()) if extra else set()
        for point, one in persisted:
            is_foreign = point.row is None and _hash(point.identifier) in foreign
            if is_foreign and sides.table.sync.foreign_documents == "keep":
                tally.kept_foreign += 1
                continue
            kind, fields, why = judge(point, self._comparison, is_foreign=is_foreign, vector_path=_vector_path(sides))
            key = shown_key(point.identifier)
            self._named += 1
            if self._named > MOST_NAMED:
                fields = ()
            yield Difference(
                identifier=point.identifier, key=key, kind=kind, fields=fields, why=why, first_seen=one.first_seen
            )


def judge(
    point: Point, comparison: FieldComparison, *, is_foreign: bool, vector_path: str = ""
) -> tuple[Kind, tuple[FieldDifference, ...], str]:
    """Kind of the difference of a point that is not equal, where it is, and what is known of the reason."""
    if point.row is None:
        return Kind.EXTRA, (), "foreign: this pipeline never loaded it" if is_foreign else "deleted at the source"
    if point.reject is not None and point.actual is not None:
        return Kind.VALUE, (), f"{_refused(point.reject)}, and a document of an earlier state is there"
    if point.lost or point.actual is None or point.expected is None:
        why = f"{_refused(point.reject)}, and it is not in quarantine" if point.reject is not None else ""
        return Kind.MISSING, (), "another row with this key is neither stored nor in quarantine" if point.lost else why
    if point.expected != point.actual:
        return *comparison.compare(point.expected, point.actual), point.problem
    if point.problem:
        return Kind.VALUE, (_vector(vector_path, point.problem),), point.problem
    return Kind.EXTRA, (), f"the same document is there {point.copies} times"


def _refused(reject: Reject) -> str:
    return f"the row is refused ({reject.code}" + (f", column {reject.column})" if reject.column else ")")


def _vector(path: str, problem: str) -> FieldDifference:
    return FieldDifference(path=path, expected="", expected_type="array", actual=problem, actual_type="array")


def shown_key(identifier: Any) -> str:
    """An `_id` for people: texts as they are, composite keys by their columns."""
    if isinstance(identifier, dict):
        return ", ".join(f"{name}={shown(value)}" for name, value in identifier.items())
    return identifier if type(identifier) is str else shown(identifier)


def _vector_path(sides: Sides) -> str:
    return sides.table.embedding.path if sides.table.embedding is not None else ""


def _hash(identifier: Any) -> bytes:
    return key_hash(bson.encode({"_id": identifier}))


def _state(expected: bytes | None, actual: bytes | None) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for side in (expected, actual):
        digest.update(b"-" if side is None else b"+" + len(side).to_bytes(8, "little") + side)
    return digest.digest()
