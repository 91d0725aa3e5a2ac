"""A seeded sample of one table: which rows, and whether their documents hold what the source says.

The sample is at least 1,000 rows or 1 % of the table, and always has the first, the last, the largest and the
emptiest row. Keys are picked while the load passes by; rows and documents are read again afterwards, from snapshot
and staging.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.extract.snapshot import Row, Snapshot
from atlas_pipeline.load.digest import split_documents
from atlas_pipeline.load.duplicates import split_repeated
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.reconcile.compare import MISSING, decode, differing_fields
from atlas_pipeline.spec.tables import TableSpec

LEAST_ROWS = 1_000
SHARE = 0.01
_CHUNK = 200
KEPT_DOCUMENTS = 5_000
KEPT_BYTES = 16 * 1024 * 1024
"""How much of the sample is handed on, decoded, to the expectations. All of it is compared."""


class SampleKeys:
    """Picks the keys of the sample while batches pass by, in key order.

    Args:
        table: The table.
        source_rows: How many rows will pass.
        seed: Which sample.
    """

    def __init__(self, table: TableSpec, *, source_rows: int, seed: int) -> None:
        self.seed = seed
        size = min(source_rows, max(LEAST_ROWS, math.ceil(source_rows * SHARE)))
        wanted = sorted(random.Random(seed).sample(range(source_rows), size))  # noqa: S311 - a sample, not a secret
        self._wanted = iter([*wanted, source_rows - 1] if source_rows else [])
        self._next = next(self._wanted, None)
        self._key = [table.column_names.index(name) for name in table.key]
        self._position = 0
        self._picked: dict[Row, None] = {}
        self._largest: tuple[int, Row | None] = (-1, None)
        self._emptiest: tuple[int, Row | None] = (-1, None)

    def observe(self, rows: list[Row], mapped: MappedBatch) -> None:
        """Take note of one batch, as read and as mapped."""
        if self._position == 0:
            self._pick(rows[0])
        while self._next is not None and self._next < self._position + len(rows):
            self._pick(rows[self._next - self._position])
            self._next = next(self._wanted, None)
        self._position += len(rows)
        if mapped.documents:
            largest = max(range(len(mapped.documents)), key=lambda index: len(mapped.documents[index]))
            size = len(mapped.documents[largest])
            if size > self._largest[0]:
                self._largest = (size, self._key_of(mapped.rows[largest]))
            nulls = [row.count(None) for row in mapped.rows]
            if (most := max(nulls)) > self._emptiest[0]:
                self._emptiest = (most, self._key_of(mapped.rows[nulls.index(most)]))

    def keys(self) -> list[Row]:
        """The keys of the sample, each once."""
        extremes = [key for _, key in (self._largest, self._emptiest) if key is not None]
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
        differing: `_id` -> differing fields, for every document that is not equal.
        documents: Documents of the sample as the server holds them, decoded; bounded by number and size.
    """

    seed: int
    compared: int = 0
    quarantined: int = 0
    differing: dict[Any, tuple[str, ...]] = field(default_factory=dict)
    documents: list[Mapping[str, Any]] = field(default_factory=list)


def compare_sample(
    keys: SampleKeys,
    *,
    snapshot: Snapshot,
    mapper: Mapper,
    collection: Collection[Any],
    quarantine: Quarantine,
    comment: str,
) -> SampleComparison:
    """Read the sampled rows and documents again and compare each field, types included."""
    result = SampleComparison(seed=keys.seed)
    kept_bytes = 0
    wanted = keys.keys()
    for start in range(0, len(wanted), _CHUNK):
        rows = snapshot.rows_by_key(mapper.table, wanted[start : start + _CHUNK])
        distinct, repeated = split_repeated(mapper, rows, None)
        mapped = mapper.map_batch(distinct)
        result.quarantined += len(repeated) + len(mapped.rejects)
        found = _documents(collection, mapped.ids, comment)
        for identifier, expected, row in zip(mapped.ids, mapped.documents, mapped.rows, strict=True):
            actual = found.get(_hashable(identifier))
            if actual is None and not quarantine.absent([mapper.key_of(row)]):
                result.quarantined += 1
                continue
            result.compared += 1
            if actual is None:
                result.differing[_hashable(identifier)] = (MISSING,)
                continue
            if actual != expected:
                result.differing[_hashable(identifier)] = differing_fields(expected, actual)
            if len(result.documents) < KEPT_DOCUMENTS and kept_bytes + len(actual) <= KEPT_BYTES:
                result.documents.append(decode(actual))
                kept_bytes += len(actual)
    return result


def _documents(collection: Collection[Any], ids: list[Any], comment: str) -> dict[Any, bytes]:
    found: dict[Any, bytes] = {}
    for batch in collection.find_raw_batches({"_id": {"$in": ids}}, comment=comment):
        for document in split_documents(batch):
            found[_hashable(decode(document)["_id"])] = document
    return found


def _hashable(identifier: Any) -> Any:
    return tuple(identifier.items()) if isinstance(identifier, dict) else identifier
