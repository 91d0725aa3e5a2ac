"""Single keys, read on both sides now: for looking again at what differed, for samples and for repairs.

What belongs here: reading and judging some keys. What does not: which keys.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.load.bson_order import SortKey, id_of, sort_key
from atlas_pipeline.load.duplicates import split_repeated
from atlas_pipeline.load.repeats import first_ones_first
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.sides import Sides

KEYS_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One key on both sides.

    Attributes:
        identifier: The `_id` that was asked for.
        key: The source key, or None when no row can have become this `_id`.
        row: The source row, or None.
        expected: The canonical document of the row, or None when there is no row or it is refused.
        reject: Why the row is refused, or None.
        actual: The part of the stored document that is compared with `expected`, or None when there is no document.
        problem: What is wrong with the other part of the stored document, or "".
        quarantined: Whether the row is in quarantine.
        lost: Whether another row with the same key is neither stored nor in quarantine.
        deleted: Whether the document is marked as deleted.
        copies: How many documents have this `_id`: a time series takes several.
    """

    identifier: Any
    key: Row | None
    row: Row | None = None
    expected: bytes | None = None
    reject: Reject | None = None
    actual: bytes | None = None
    problem: str = ""
    quarantined: bool = False
    lost: bool = False
    deleted: bool = False
    copies: int = 0

    @property
    def equal(self) -> bool:
        """Whether this key is as it should be: equal, in quarantine without a document, on neither side, or a document
        that is marked as deleted without a row.
        """
        if self.lost or self.copies > 1:
            return False
        if self.row is None and self.deleted:
            return True
        if self.actual is not None:
            return self.actual == self.expected and not self.problem
        return self.row is None or self.quarantined


def look(sides: Sides, identifiers: Sequence[Any]) -> Iterator[Point]:
    """Read these keys on both sides, the source first, in the order given.

    Args:
        sides: Both sides of the table.
        identifiers: `_id`s as the driver decodes them or as the mapping makes them; of any type.
    """
    at_once = KEYS_AT_ONCE if sides.series is None else max(1, len(identifiers))  # a look-up in those reads all of it
    for start in range(0, len(identifiers), at_once):
        yield from _look(sides, identifiers[start : start + at_once])


def _look(sides: Sides, identifiers: Sequence[Any]) -> Iterator[Point]:
    keys = [sides.codec.source_key(identifier) for identifier in identifiers]
    found = _mapped(sides, [key for key in keys if key is not None])
    orders = [sort_key(identifier) for identifier in identifiers]
    stored = _stored(sides, identifiers, orders)
    absent = sides.absent_in_quarantine([key for order in orders if (key := found.key_of(order)) is not None])
    lost = sides.absent_repeats(list(found.repeated))
    for identifier, key, order in zip(identifiers, keys, orders, strict=True):
        row, expected, reject = found.of(order)
        there = stored.get(order, [])
        source_key = key if row is None else sides.mapper.key_of(row)
        yield Point(
            identifier=identifier,
            key=source_key,
            row=row,
            expected=None if expected is None else sides.expected(expected),
            reject=reject,
            actual=sides.comparable(there[0]) if there else None,
            problem=(sides.problem(row, there[0]) or "") if row and there and expected else "",
            quarantined=row is not None and source_key not in absent,
            lost=source_key in lost,
            deleted=bool(there) and sides.is_deleted(there[0]),
            copies=len(there),
        )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows by the order of the `_id`s that they become."""

    mapped: dict[SortKey, tuple[Row, bytes]]
    refused: dict[SortKey, tuple[Row, Reject]]
    repeated: set[Row]
    mapper: Mapper

    def of(self, order: SortKey) -> tuple[Row | None, bytes | None, Reject | None]:
        if order in self.mapped:
            return *self.mapped[order], None
        row, reject = self.refused.get(order, (None, None))
        return row, None, reject

    def key_of(self, order: SortKey) -> Row | None:
        row = self.of(order)[0]
        return None if row is None else self.mapper.key_of(row)


def _mapped(sides: Sides, keys: Sequence[Row]) -> _Rows:
    rows = first_ones_first(sides.mapper, sides.snapshot.rows_by_key(sides.table, keys)) if keys else []
    distinct, repeated = split_repeated(sides.mapper, rows, None)
    batch = sides.mapper.map_batch(distinct)
    mapped = zip(batch.ids, batch.rows, batch.documents, strict=True)
    return _Rows(
        {sort_key(identifier): (row, document) for identifier, row, document in mapped},
        {
            sort_key(sides.codec.identifier(reject.key)): (tuple(reject.row.values()), reject)
            for reject in batch.rejects
        },
        {reject.key for reject in repeated},
        sides.mapper,
    )


def _stored(sides: Sides, identifiers: Sequence[Any], orders: Sequence[SortKey]) -> dict[SortKey, list[bytes]]:
    """The stored documents with these `_id`s, whatever types these are written in."""
    found: dict[SortKey, list[bytes]] = {}
    wanted = set(orders)
    for document in sides.stored(identifiers):
        if (order := sort_key(id_of(document))) in wanted:
            found.setdefault(order, []).append(document)
    return found
