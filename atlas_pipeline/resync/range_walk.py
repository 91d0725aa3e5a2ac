"""One pass over all rows of a table by the key ranges of the ledger: a range whose rows have the fingerprint of the
last sync, and whose documents are as many as then, is neither mapped nor compared.

What belongs here: cutting the stream of rows where ranges begin, and comparing those that changed. What does not:
applying what is found.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row, Stretch
from atlas_pipeline.load.bson_order import SortKey, sort_key
from atlas_pipeline.load.digest import raw_range, split_documents
from atlas_pipeline.load.fingerprint import RawBytes, new_fingerprint, raw_bytes_of
from atlas_pipeline.load.range_store import RangeMark
from atlas_pipeline.load.ranges import RANGE_BYTES, RANGE_DOCUMENTS
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.differences import Tally
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.walk import Suspect, Walk

MOST_ROWS = 4 * RANGE_DOCUMENTS
"""A range that has grown beyond this is compared in parts, so that memory stays constant."""

Seen = Callable[[list[Row]], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """A range that was compared.

    Attributes:
        mark: The range as the ledger had it.
        before: `_id` at which the next one begins, or None.
        is_first: Whether it is the first range, which holds everything before it.
        rows: Rows of it.
        fingerprint: Fingerprint of these rows.
    """

    mark: RangeMark
    before: Any
    is_first: bool
    rows: int
    fingerprint: bytes


@dataclass(slots=True)
class RangeWalk:
    """The pass over one table, made once.

    Attributes:
        sides: Both sides; the key of the table is its primary key.
        marks: The ranges of the ledger, in key order; at least one.
        seed: Seed of the fingerprints.
        seen: Called with each batch of rows as it is read.
        keyless: Takes care of refused rows without a usable key.
        every: Whether every range is compared.
        progress: Called with the number of rows that are done.
        tally: What was counted so far; equal are also the rows of unchanged ranges that have a document.
        walked: The ranges that were compared.
    """

    sides: Sides
    marks: Sequence[RangeMark]
    seed: bytes
    seen: Seen
    keyless: Callable[[Reject], bool]
    every: bool = False
    progress: Callable[[int], None] = lambda _: None
    tally: Tally = field(default_factory=Tally)
    walked: list[Walked] = field(default_factory=list)
    _raw_bytes: RawBytes = field(init=False)

    def __post_init__(self) -> None:
        self._raw_bytes = raw_bytes_of(self.sides.table)

    def suspects(self) -> Iterator[Suspect]:
        """Every key under which the sides differ at first sight. Raises OutOfOrderError."""
        starts = [sort_key(mark.first) for mark in self.marks]
        at, part = 0, self._new()
        with closing(read_ahead(self.sides.snapshot.batches(self.sides.table))) as batches:
            for rows in batches:
                self.seen(rows)
                begin = 0
                while at + 1 < len(starts):
                    end = bisect_left(range(len(rows)), starts[at + 1], lo=begin, key=partial(self._order, rows))
                    if end == len(rows):
                        break
                    part.add(rows[begin:end])
                    yield from self._finish(at, part)
                    at, begin, part = at + 1, end, self._new()
                part.add(rows[begin:])
                if part.full:
                    yield from self._compare_most_of(at, part)
        while at < len(starts):
            yield from self._finish(at, part)
            at, part = at + 1, self._new()

    def _new(self) -> _Part:
        return _Part(new_fingerprint(self.seed), self._raw_bytes)

    def _order(self, rows: list[Row], at: int) -> SortKey:
        """Where a row is in the order of keys; one without a usable key is where the one before it is."""
        for position in range(at, -1, -1):
            if (identifier := self._identifier(rows[position])) is not None:
                return sort_key(identifier)
        return ()

    def _identifier(self, row: Row) -> Any:
        return self.sides.codec.identifier(self.sides.mapper.key_of(row))

    def _finish(self, at: int, part: _Part) -> Iterator[Suspect]:
        mark = self.marks[at]
        fingerprint = part.fingerprint.digest()
        before = self._before(at)
        is_same = part.first is None and fingerprint == mark.fingerprint
        if is_same and not self.every and self._is_as_it_was(at):
            self.tally.rows += part.count
            self.tally.documents += mark.stored
            self.tally.equal += min(part.count, mark.documents)  # others are marked as deleted
            self.tally.quarantined += max(0, part.count - mark.documents)
            self.progress(part.count)
            return
        yield from self._compare(part.rows, self._first(at, part), before)
        self.walked.append(Walked(mark=mark, before=before, is_first=at == 0, rows=part.count, fingerprint=fingerprint))

    def _compare_most_of(self, at: int, part: _Part) -> Iterator[Suspect]:
        """Compare what has been read of a range, but its last row with a usable key and what comes behind it."""
        last = next((at for at in range(len(part.rows) - 1, 0, -1) if self._identifier(part.rows[at]) is not None), 0)
        if last:
            identifier = self._identifier(part.rows[last])
            yield from self._compare(part.rows[:last], self._first(at, part), identifier)
            part.first, part.rows, part.size = identifier, part.rows[last:], 0

    def _first(self, at: int, part: _Part) -> Any:
        if part.first is not None:
            return part.first
        return None if at == 0 else self.marks[at].first

    def _compare(self, rows: list[Row], first: Any, before: Any) -> Iterator[Suspect]:
        codec = self.sides.codec
        ends = (None if one is None else codec.source_key(one) for one in (first, before))
        stretch = Stretch(first=next(ends), before=next(ends))
        walk = Walk(self.sides, stretch, progress=self.progress, rows=[rows] if rows else [], keyless=self.keyless)
        yield from walk.suspects()
        self.tally.add(walk.tally)

    def _is_as_it_was(self, at: int) -> bool:
        """Whether a range has as many documents as it had. Foreign ones are looked at unless they may stay."""
        mark = self.marks[at]
        if mark.stored != mark.documents and self.sides.table.sync.foreign_documents != "keep":
            return False
        return self.stored(at) == mark.stored

    def stored(self, at: int) -> int:
        """How many documents there are now in a range."""
        return count_stored(self.sides, None if at == 0 else self.marks[at].first, self._before(at))

    def _before(self, at: int) -> Any:
        return self.marks[at + 1].first if at + 1 < len(self.marks) else None


def count_stored(sides: Sides, first: Any, before: Any) -> int:
    """How many documents have `first <= _id < before`, whoever wrote them; None for an open end."""
    if first is None or before is None:  # where ids of other types lie, which a query would not count
        batches = raw_range(sides.collection, first, before, projection={"_id": 1}, comment=sides.comment)
        return sum(1 for batch in batches for _ in split_documents(batch))
    query = {"_id": {"$gte": first, "$lt": before}}
    counted = sides.collection.database.command(
        "count", sides.collection.name, query=query, hint="_id_", comment=sides.comment
    )
    return int(counted["n"])


@dataclass(slots=True)
class _Part:
    """Rows of a range that have been read and not compared; `first` is where they begin when others have been."""

    fingerprint: hashlib.blake2b
    raw_bytes: RawBytes
    rows: list[Row] = field(default_factory=list)
    count: int = 0
    size: int = 0
    first: Any = None

    def add(self, rows: list[Row]) -> None:
        raw = self.raw_bytes(rows)
        self.fingerprint.update(raw)
        self.size += len(raw)
        self.rows += rows
        self.count += len(rows)

    @property
    def full(self) -> bool:
        return len(self.rows) > 1 and (self.size > 2 * RANGE_BYTES or len(self.rows) > MOST_ROWS)
