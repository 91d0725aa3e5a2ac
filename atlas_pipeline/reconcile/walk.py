"""One ordered walk over both sides of a stretch of keys: rows as canonical documents, and documents as they are stored.

As long as both are equal, a whole batch costs one comparison of bytes and nothing is decoded; where they are not, the
two streams are merged by key. Memory does not grow with the stretch. What does not belong here: whether a difference
counts (`settle`), and which of its fields differ (`fields`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from atlas_pipeline.extract.batching import read_ahead
from atlas_pipeline.extract.snapshot import Row, Stretch
from atlas_pipeline.load.bson_order import SortKey, id_of, sort_key
from atlas_pipeline.load.digest import new_digest, raw_range
from atlas_pipeline.load.duplicates import split_repeated
from atlas_pipeline.mapping.mapper import MappedBatch
from atlas_pipeline.mapping.reject import Reject
from atlas_pipeline.reconcile.differences import Tally
from atlas_pipeline.reconcile.sides import Sides


class OutOfOrderError(Exception):
    """The rows do not come in the order of the documents. Never leaves `reconcile`."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A key under which both sides differ at first sight.

    Attributes:
        identifier: The `_id`; None when no document can have the row's key.
        expected: The canonical document, or None.
        actual: The comparable part of the stored document, or None.
        reject: Why the row is refused, when it is and no document is there and it is not in quarantine.
    """

    identifier: Any
    expected: bytes | None = None
    actual: bytes | None = None
    reject: Reject | None = None


@dataclass(slots=True)
class Walk:
    """The walk over one stretch, made once.

    Attributes:
        sides: Both sides of the table.
        stretch: Keys of the source. The bounds of the target are the `_id`s that they become.
        repeated: Whether several rows may have the same key.
        progress: Called with the number of rows that were compared.
        cuts: `_id`s at which key ranges begin inside of the stretch: each has a digest of its own.
        rows: The rows of the stretch in batches, where somebody has read them already.
        keyless: Takes care of refused rows without a usable key, which then are no suspects.
        tally: What was counted so far.
    """

    sides: Sides
    stretch: Stretch
    repeated: bool = False
    progress: Callable[[int], None] = lambda _: None
    cuts: Sequence[Any] = ()
    rows: Iterable[list[Row]] | None = None
    keyless: Callable[[Reject], bool] | None = None
    tally: Tally = field(default_factory=Tally)
    _digests: list[bytes] = field(default_factory=list)
    _last: SortKey = (0,)

    @property
    def digest(self) -> str:
        """The hex digests over the documents of each key range, as they are stored, one after the other; complete after
        the walk.
        """
        return b"".join(self._digests).hex()

    def suspects(self) -> Iterator[Suspect]:
        """Walk, and give every key under which the sides differ at first sight.

        Raises:
            OutOfOrderError: The source orders its keys in another way than the target.
        """
        with closing(read_ahead(self._stored())) as stored, closing(self._mapped()) as batches:
            documents = _Stream(stored)
            for batch in batches:
                found: list[tuple[Suspect, Row | None]] = []
                if self.sides.enricher is None and documents.take(b"".join(batch.documents)):
                    self.tally.equal += len(batch.documents)
                    self.tally.documents += len(batch.documents)
                else:
                    found += self._merge(batch, documents)
                yield from self._not_accounted(found, batch.rejects)
                self.progress(len(batch.documents) + len(batch.rejects))
            while (actual := documents.head()) is not None:
                yield from self._drop(documents, actual)

    def _stored(self) -> Generator[bytes]:
        codec = self.sides.codec
        first, before = (
            None if key is None else codec.identifier(key) for key in (self.stretch.first, self.stretch.before)
        )
        for start, end in pairwise((first, *self.cuts, before)):
            digest = new_digest()
            for batch in raw_range(self.sides.collection, start, end, comment=self.sides.comment):
                digest.update(batch)
                yield batch
            self._digests.append(digest.digest())

    def _mapped(self) -> Generator[MappedBatch]:
        sides = self.sides
        last_key: Row | None = None
        with self._read() as batches:
            for rows in batches:
                distinct, repeated = split_repeated(sides.mapper, rows, last_key) if self.repeated else (rows, [])
                last_key = sides.mapper.key_of(rows[-1])
                self.tally.rows += len(rows)
                batch = sides.mapper.map_batch(distinct)
                batch.rejects += repeated
                yield batch

    def _read(self) -> AbstractContextManager[Iterable[list[Row]]]:
        if self.rows is not None:
            return nullcontext(self.rows)
        return closing(read_ahead(self.sides.snapshot.batches(self.sides.table, stretch=self.stretch)))

    def _merge(self, batch: MappedBatch, documents: _Stream) -> Iterator[tuple[Suspect, Row | None]]:
        """The suspects of one batch; those without a document with the key of their row."""
        for identifier, expected, row in zip(batch.ids, batch.documents, batch.rows, strict=True):
            actual = documents.head()
            if actual is not None and self._is_equal(expected, row, actual):
                self._pass(documents)
                self.tally.equal += 1
                continue
            order = sort_key(identifier)
            if order <= self._last:
                raise OutOfOrderError
            self._last = order
            place: SortKey = ()
            while actual is not None and (place := sort_key(id_of(actual))) < order:
                for suspect in self._drop(documents, actual):
                    yield suspect, None
                actual = documents.head()
            if actual is None or place != order:
                yield Suspect(identifier, expected), self.sides.mapper.key_of(row)
                continue
            self._pass(documents)
            if self._is_equal(expected, row, actual):
                self.tally.equal += 1
            else:
                yield Suspect(identifier, expected, self.sides.comparable(actual)), None

    def _pass(self, documents: _Stream) -> None:
        documents.drop()
        self.tally.documents += 1

    def _drop(self, documents: _Stream, actual: bytes) -> Iterator[Suspect]:
        """Pass by a document without a row."""
        self._pass(documents)
        if self.sides.is_deleted(actual):
            self.tally.deleted += 1
        else:
            yield Suspect(id_of(actual), actual=self.sides.comparable(actual))

    def _is_equal(self, expected: bytes, row: Row, actual: bytes) -> bool:
        if self.sides.enricher is None:
            return actual == expected
        return self.sides.comparable(actual) == expected and not self.sides.problem(row, actual)

    def _not_accounted(self, found: list[tuple[Suspect, Row | None]], rejects: list[Reject]) -> Iterator[Suspect]:
        """The suspects that no entry of the quarantine explains, and the refused rows that it lacks."""
        absent = self.sides.absent_in_quarantine([key for _, key in found if key is not None])
        for suspect, key in found:
            if key is None or key in absent:
                yield suspect
            else:
                self.tally.quarantined += 1
        lost = self.sides.lost(rejects, self.keyless)
        self.tally.quarantined += len(rejects) - len(lost)
        for reject in lost:
            yield Suspect(self.sides.codec.identifier(reject.key), reject=reject)


class _Stream:
    """Batches of encoded documents as one stream.

    Args:
        batches: Each holds whole documents.
    """

    def __init__(self, batches: Iterator[bytes]) -> None:
        self._batches = batches
        self._buffer = b""
        self._at = 0

    def take(self, documents: bytes) -> bool:
        """Pass by these documents if they come next; else stay."""
        while len(self._buffer) - self._at < len(documents):
            if not self._more():
                return False
        if not self._buffer.startswith(documents, self._at):
            return False
        self._at += len(documents)
        return True

    def head(self) -> bytes | None:
        """The next document, or None at the end."""
        if self._at >= len(self._buffer) and not self._more():
            return None
        size = int.from_bytes(self._buffer[self._at : self._at + 4], "little")
        return self._buffer[self._at : self._at + size]

    def drop(self) -> None:
        """Pass by the next document."""
        self._at += int.from_bytes(self._buffer[self._at : self._at + 4], "little")

    def _more(self) -> bool:
        batch = next(self._batches, None)
        if batch is None:
            return False
        self._buffer = self._buffer[self._at :] + batch
        self._at = 0
        return True
