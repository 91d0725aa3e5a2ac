"""Comparing a table whose keys the source orders in another way than the target: by key, range by range of rows.

The documents of each batch of rows are fetched by their keys; documents without a row are found by sums over the
hashes of all keys, and only the parts of which the sums differ are looked at again. Memory is constant. What does not
belong here: the ordered walk (`walk`), which is faster.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

import bson

from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.load.bson_order import id_of
from atlas_pipeline.load.digest import key_hash, new_digest, raw_range, split_documents
from atlas_pipeline.load.duplicates import split_repeated
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.differences import Tally
from atlas_pipeline.reconcile.points import KEYS_AT_ONCE, look
from atlas_pipeline.reconcile.sides import Sides
from atlas_pipeline.reconcile.walk import Suspect

_PARTS = 1 << 16


@dataclass(slots=True)
class KeyedComparison:
    """The comparison of one table by its keys, made once.

    Attributes:
        sides: Both sides of the table.
        repeated: Whether several rows may have the same key.
        progress: Called with the number of rows that were compared.
        keyless: As for `Walk`.
        tally: What was counted so far.
    """

    sides: Sides
    repeated: bool = False
    progress: Callable[[int], None] = lambda _: None
    keyless: Callable[[Reject], bool] | None = None
    tally: Tally = field(default_factory=Tally)
    _digest: hashlib.blake2b = field(default_factory=new_digest)
    _sums: list[int] = field(default_factory=lambda: [0] * _PARTS)

    @property
    def digest(self) -> str:
        """Hex digest over the documents in `_id` order; complete after the comparison."""
        return self._digest.hexdigest()

    def suspects(self) -> Iterator[Suspect]:
        """Compare all keys, and give every one under which the sides differ at first sight."""
        mapper, last_key = self.sides.mapper, None
        with closing(read_ahead(self.sides.snapshot.batches(self.sides.table))) as batches:
            for rows in batches:
                distinct, repeated = split_repeated(mapper, rows, last_key) if self.repeated else (rows, [])
                last_key = mapper.key_of(rows[-1])
                self.tally.rows += len(rows)
                mapped = mapper.map_batch(distinct)
                mapped.rejects += repeated
                yield from self._compare(mapped)
                self.progress(len(rows))
        for batch in raw_range(self.sides.collection, comment=self.sides.comment):
            self._digest.update(batch)
            for document in split_documents(batch):
                self.tally.documents += 1
                self._count(key_hash(document), -1)
        suspicious = {part for part, left in enumerate(self._sums) if left}
        if suspicious:
            yield from self._extra(suspicious)

    def _compare(self, batch: MappedBatch) -> Iterator[Suspect]:
        points = look(self.sides, batch.ids)
        for point, expected in zip(points, batch.documents, strict=True):
            if point.actual is not None:
                self._count(key_hash(bson.encode({"_id": point.identifier})), 1)
            if point.actual == expected and not point.problem and not point.lost:
                self.tally.equal += 1
            elif point.actual is None and point.quarantined:
                self.tally.quarantined += 1
            else:
                yield Suspect(point.identifier, expected, point.actual)
        lost = self.sides.lost(batch.rejects, self.keyless)
        self.tally.quarantined += len(batch.rejects) - len(lost)
        for reject in lost:
            yield Suspect(self.sides.codec.identifier(reject.key), reject=reject)

    def _count(self, hashed: bytes, times: int) -> None:
        self._sums[hashed[0] | hashed[1] << 8] += times * int.from_bytes(hashed, "little")

    def _extra(self, suspicious: set[int]) -> Iterator[Suspect]:
        waiting = []
        for batch in raw_range(self.sides.collection, projection={"_id": 1}, comment=self.sides.comment):
            for document in split_documents(batch):
                hashed = key_hash(document)
                if hashed[0] | hashed[1] << 8 in suspicious:
                    waiting.append(id_of(document))
                if len(waiting) >= KEYS_AT_ONCE:
                    yield from self._without_row(waiting)
                    waiting = []
        yield from self._without_row(waiting)

    def _without_row(self, identifiers: list[object]) -> Iterator[Suspect]:
        for point in look(self.sides, identifiers):
            if point.row is None and point.deleted:
                self.tally.deleted += 1
            elif point.row is None or point.reject is not None:
                yield Suspect(point.identifier, actual=point.actual)
