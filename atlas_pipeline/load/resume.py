"""Going on with a reload behind the key ranges that an earlier run has finished.

The next run has a view of its own of the source, so the finished ranges are compared with it while all rows pass by:
one whose rows have its fingerprint is kept, another one is loaded again. What does not belong here: whether a run may
go on (`unfinished`), and loading rows (`reload`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load import duplicates, indexes
from atlas_pipeline.load.bson_order import SortKey, id_of, sort_key
from atlas_pipeline.load.digest import raw_range, split_documents
from atlas_pipeline.load.fingerprint import RawBytes, new_fingerprint, raw_bytes_of
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.load_notes import LoadNotes
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.range_store import RangeMark
from atlas_pipeline.load.ranges import RANGE_BYTES
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.mapper import Mapper

Document = dict[str, Any]
_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A key range that an earlier run has finished; `before` is None for the last one, behind which all is removed."""

    mark: RangeMark
    notes: LoadNotes
    first: Any
    before: Any


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows that follow each other.

    Attributes:
        rows: The rows.
        finished: The finished range in which they are; None behind the last one.
        kept: Whether they are all its rows, and what they were.
    """

    rows: list[Row]
    finished: Finished | None
    kept: bool


class Finishing:
    """The finished ranges of a staging collection, gone over while all rows of the table pass by once.

    Args:
        staging: The collection. It is this run's, and so are the ranges.
        ledger: The ledger of this run.
        quarantine: The quarantine of this run.
        mapper: Maps the rows of the table, whose keys the source orders as the server does.
        seed: Seed of the fingerprints of rows.
    """

    def __init__(
        self, staging: Collection[Document], *, ledger: TableLedger, quarantine: Quarantine, mapper: Mapper, seed: bytes
    ) -> None:
        self._staging, self._store, self._quarantine = staging, ledger.ranges_of_this_run(), quarantine
        self._mapper, self._codec, self._seed = mapper, KeyCodec(mapper.table), seed
        loaded = self._store.loaded()
        starts = [mark.first for mark, _ in loaded]
        self._ranges = [
            Finished(mark=mark, notes=notes, first=starts[at] if at else None, before=before)
            for at, ((mark, notes), before) in enumerate(zip(loaded, [*starts[1:], None], strict=True))
        ]
        self._raw_bytes = raw_bytes_of(mapper.table)
        self.next_position = max((mark.position for mark, _ in loaded), default=-1) + 1
        self.kept = self.repeated = 0

    @property
    def ranges(self) -> int:
        """How many there are."""
        return len(self._ranges)

    @property
    def batches(self) -> list[tuple[int, int]]:
        """First and last number of the batches of each range."""
        return [one.notes.batches for one in self._ranges]

    def clear(self, *, comment: str) -> None:
        """Remove documents behind the last range, and indexes that are not those of the spec."""
        last = self._ranges[-1].notes.last
        behind = (one for one in ids_between(self._staging, last, None) if sort_key(one) != sort_key(last))
        remove(self._staging, behind, comment=comment)
        specs = {spec.name: spec for spec in self._mapper.table.indexes}
        for name, there in indexes.existing_indexes(self._staging).items():
            if name not in specs or not indexes.same_definition(specs[name], there):
                self._staging.drop_index(name, comment=comment)

    def drop_indexes(self, *, comment: str) -> None:
        """Remove the indexes, before documents are written: those that are replaced later may be in their way."""
        if indexes.existing_indexes(self._staging):
            self._staging.drop_indexes(comment=comment)

    def forget(self, finished: Finished, *, comment: str) -> None:
        """Remove what was loaded of a range, which from then on counts as unfinished."""
        self.repeated += 1
        self._store.unmark([finished.mark.id])
        self._quarantine.forget_batches(*finished.notes.batches)
        remove(self._staging, ids_between(self._staging, finished.first, finished.before), comment=comment)

    def pieces(self, batches: Iterable[list[Row]]) -> Iterator[Piece]:
        """The rows, cut where ranges begin. Of a range that changed there is at least one piece, without rows if need
        be; a large one comes in several.

        Args:
            batches: All rows of the table, in key order.
        """
        at, open_ = 0, self._new()
        for rows in batches:
            begin = 0
            while at < len(self._ranges):
                end = self._end(at, rows, begin)
                open_.add(rows[begin:end])
                if end == len(rows):
                    if open_.beyond(self._ranges[at].mark):
                        yield Piece(open_.take(), self._ranges[at], kept=False)
                    break
                yield from self._finish(at, open_)
                at, begin, open_ = at + 1, end, self._new()
            else:
                yield Piece(rows[begin:], None, kept=False)
        for left in range(at, len(self._ranges)):
            yield from self._finish(left, open_)
            open_ = self._new()

    def _new(self) -> _Open:
        return _Open(self._seed, self._raw_bytes)

    def _finish(self, at: int, open_: _Open) -> Iterator[Piece]:
        finished = self._ranges[at]
        kept = open_.is_as_it_was(finished.mark)
        self.kept += kept
        if kept or open_.rows or not open_.taken:
            yield Piece(open_.rows, finished, kept=kept)

    def _end(self, at: int, rows: Sequence[Row], begin: int) -> int:
        """Where in a batch a range ends: before the first row with the key of the next one, or behind its last one."""
        is_last = at + 1 == len(self._ranges)
        bound = sort_key(self._ranges[at].notes.last if is_last else self._ranges[at + 1].mark.first)

        def is_behind(row: Row) -> bool:
            key = self._key(row)
            return key is not None and (key > bound if is_last else key >= bound)

        if not any(map(is_behind, rows[-1:])) and self._key(rows[-1]) is not None:
            return len(rows)
        return next((number for number in range(begin, len(rows)) if is_behind(rows[number])), len(rows))

    def _key(self, row: Row) -> SortKey | None:
        """The place of a row by its key; None for one that no document can have."""
        identifier = self._codec.identifier(self._mapper.key_of(row))
        return None if identifier is None else sort_key(identifier)


def ids_between(staging: Collection[Document], first: Any, before: Any) -> Iterator[Any]:
    """The `_id`s from `first` on and before the other one, in their order; None stands for no bound."""
    for batch in raw_range(staging, first, before, projection={"_id": 1}):
        yield from map(id_of, split_documents(batch))


def remove(staging: Collection[Document], ids: Iterable[Any], *, comment: str) -> None:
    """Remove the documents with these `_id`s."""
    found = list(ids)
    for start in range(0, len(found), _BATCH):
        duplicates.remove(staging, found[start : start + _BATCH], comment=comment)


class _Open:
    """Rows of a range that have passed and were not taken."""

    def __init__(self, seed: bytes, raw_bytes: RawBytes) -> None:
        self._fingerprint, self._raw_bytes = new_fingerprint(seed), raw_bytes
        self._count = self._size = 0
        self.rows: list[Row] = []
        self.taken = False

    def add(self, rows: list[Row]) -> None:
        raw = self._raw_bytes(rows)
        self._fingerprint.update(raw)
        self._count += len(rows)
        self._size += len(raw)
        self.rows += rows

    def take(self) -> list[Row]:
        rows, self.rows, self.taken = self.rows, [], True
        return rows

    def beyond(self, mark: RangeMark) -> bool:
        """Whether there are more rows than the range had, or more of them than memory should hold."""
        return self.taken or self._count > mark.rows or self._size > 2 * RANGE_BYTES

    def is_as_it_was(self, mark: RangeMark) -> bool:
        return not self.taken and self._count == mark.rows and self._fingerprint.digest() == mark.fingerprint
