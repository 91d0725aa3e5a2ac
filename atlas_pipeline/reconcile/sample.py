"""A seeded sample of one table: which rows, and whether their documents hold what the source says.

The sample is at least 1,000 rows or 1 % of the table, and always has the first, the last, the largest and the
emptiest row. Keys are picked while the load passes by; rows are read again afterwards, from the snapshot, and compared
with what the server holds.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.duplicates import split_repeated
from atlas_pipeline.load.held import Held, hashable
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.repeats import first_ones_first
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.reconcile.compare import MISSING, decode, differing_fields
from atlas_pipeline.spec.tables import TableSpec

if TYPE_CHECKING:
    from atlas_pipeline.embedding.enrich import Enricher

LEAST_ROWS = 1_000
SHARE = 0.01
_CHUNK = 200
KEPT_DOCUMENTS = 5_000
KEPT_BYTES = 16 * 1024 * 1024
"""How much of the sample is handed on, decoded, to the expectations. All of it is compared."""


def wanted_rows(source_rows: int, *, seed: int) -> frozenset[int]:
    """Which rows of a table are in the sample, by their number in key order."""
    size = min(source_rows, max(LEAST_ROWS, math.ceil(source_rows * SHARE)))
    return frozenset(random.Random(seed).sample(range(source_rows), size))  # noqa: S311 - a sample, not a secret


class Sample(Protocol):
    """Keys of rows that are to be compared, and which sample they are."""

    @property
    def seed(self) -> int: ...

    def keys(self) -> list[Row]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenKeys:
    """A sample that somebody has chosen; see `Sample`."""

    seed: int
    chosen: list[Row]

    def keys(self) -> list[Row]:
        """The keys, each once."""
        return self.chosen


class SampleKeys:
    """Picks the keys of the sample while batches pass by.

    Args:
        table: The table.
        source_rows: How many rows will pass.
        seed: Which sample.
    """

    def __init__(self, table: TableSpec, *, source_rows: int, seed: int) -> None:
        self.seed = seed
        wanted = sorted(wanted_rows(source_rows, seed=seed))
        self._wanted = iter([*wanted, source_rows - 1] if source_rows else [])
        self._next = next(self._wanted, None)
        self._key = [table.column_names.index(name) for name in table.key]
        self._position = 0
        self._picked: dict[Row, None] = {}
        self._largest: tuple[int, Row | None] = (-1, None)
        self._largest_unmapped: tuple[int, Row | None] = (-1, None)
        self._emptiest: tuple[int, Row | None] = (-1, None)

    def observe(self, rows: list[Row], mapped: MappedBatch | None) -> None:
        """Take note of one batch, as read and as mapped; None when its documents were there already."""
        if self._position == 0:
            self._pick(rows[0])
        while self._next is not None and self._next < self._position + len(rows):
            self._pick(rows[self._next - self._position])
            self._next = next(self._wanted, None)
        self._position += len(rows)
        if mapped is None:
            self._observe_unmapped(rows)
        elif mapped.documents:
            largest = max(range(len(mapped.documents)), key=lambda index: len(mapped.documents[index]))
            size = len(mapped.documents[largest])
            if size > self._largest[0]:
                self._largest = (size, self._key_of(mapped.rows[largest]))
            self._note_emptiest(mapped.rows)

    def _observe_unmapped(self, rows: list[Row]) -> None:
        sizes = [sum(len(value) for value in row if isinstance(value, str | bytes)) for row in rows]
        if (size := max(sizes)) > self._largest_unmapped[0]:
            self._largest_unmapped = (size, self._key_of(rows[sizes.index(size)]))
        self._note_emptiest(rows)

    def _note_emptiest(self, rows: list[Row]) -> None:
        nulls = [row.count(None) for row in rows]
        if (most := max(nulls)) > self._emptiest[0]:
            self._emptiest = (most, self._key_of(rows[nulls.index(most)]))

    def keys(self) -> list[Row]:
        """The keys of the sample, each once."""
        found = (self._largest, self._largest_unmapped, self._emptiest)
        extremes = [key for _, key in found if key is not None]
        return list(dict.fromkeys([*self._picked, *extremes]))

    def _pick(self, row: Row) -> None:
        self._picked[self._key_of(row)] = None

    def _key_of(self, row: Row) -> Row:
        return tuple(row[position] for position in self._key)


@dataclass(slots=True)
class SampleComparison:
    """What comparing the sample found.

    Attributes:
        seed: Which sample it was.
        compared: Rows whose document was compared, byte by byte.
        quarantined: Rows of the sample that are in quarantine and so have no document.
        pending: Rows of the sample whose document is written only when the table is published, and is proven then.
        differing: `_id` -> differing fields, for every document that is not equal.
        documents: Documents of the sample as the server holds them, or is going to, decoded; bounded by number and
            size.
    """

    seed: int
    compared: int = 0
    quarantined: int = 0
    pending: int = 0
    differing: dict[Any, tuple[str, ...]] = field(default_factory=dict)
    documents: list[Mapping[str, Any]] = field(default_factory=list)


def compare_sample(
    keys: Sample,
    *,
    snapshot: Snapshot,
    mapper: Mapper,
    held: Held,
    quarantine: Quarantine,
    enricher: Enricher | None = None,
) -> SampleComparison:
    """Read the sampled rows again and compare each field of their documents, types included; vectors by their rule."""
    result = SampleComparison(seed=keys.seed)
    kept_bytes = 0
    wanted = keys.keys()
    for start in range(0, len(wanted), _CHUNK):
        rows = snapshot.rows_by_key(mapper.table, wanted[start : start + _CHUNK])
        distinct, repeated = split_repeated(mapper, first_ones_first(mapper, rows), None)
        mapped = mapper.map_batch(distinct)
        result.quarantined += len(repeated) + len(mapped.rejects)
        found = held.actual(mapped.ids, mapped.documents)
        for identifier, document, row, there in zip(mapped.ids, mapped.documents, mapped.rows, found, strict=True):
            expected, actual = held.form(document), there
            if actual is None and not quarantine.absent([mapper.key_of(row)]):
                result.quarantined += 1
                continue
            problem = None
            if actual is not None and enricher is not None:
                problem = enricher.problem(row, actual)
                actual = enricher.canonical_part(actual)
            if actual != expected and held.pending(document):
                result.pending += 1
                actual = expected
            else:
                result.compared += 1
            if actual is None:
                result.differing[hashable(identifier)] = (MISSING,)
                continue
            if actual != expected:
                result.differing[hashable(identifier)] = differing_fields(expected, actual)
            elif problem is not None:
                result.differing[hashable(identifier)] = (f"vector: {problem}",)
            if len(result.documents) < KEPT_DOCUMENTS and kept_bytes + len(actual) <= KEPT_BYTES:
                result.documents.append(decode(actual))
                kept_bytes += len(actual)
    return result
