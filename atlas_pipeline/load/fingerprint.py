"""Fingerprints of raw source rows: whether a stretch of rows is, value by value, what it was when it was last loaded.

A fingerprint also takes in all else that a document depends on, so that equal fingerprints mean equal documents. What
does not belong here: fingerprints of documents (`digest`).
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.tables import TableSpec

RawBytes = Callable[[Sequence[Row]], bytes]

FORM = 2
"""To be raised when the same spec and row become another document than before, or a row other bytes."""


def seed_of(table: TableSpec, lookups: Lookups, model: str = "") -> bytes:
    """What the documents of a table depend on beside their rows.

    Args:
        table: The spec.
        lookups: Facts of other tables that its mapping uses.
        model: What makes vectors, for a table that has some.
    """
    joined = {path: sorted(pairs.items(), key=repr) for path, pairs in sorted(lookups.joined.items())}
    texts = {column: sorted(found.items()) for column, found in sorted(lookups.texts.items())}
    told = repr((FORM, table.fingerprint, joined, texts, model))
    return hashlib.blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def new_fingerprint(seed: bytes) -> hashlib.blake2b:
    """The fingerprint of no row yet; `update` it with `raw_bytes_of` the rows in key order."""
    return hashlib.blake2b(digest_size=16, key=seed)


def raw_bytes_of(table: TableSpec) -> RawBytes:
    """Gives what makes bytes of rows of a table.

    They tell rows apart by value and type of every column, and never by how rows were cut into batches, or by which
    values are the same object.
    """
    positions = [position for position, column in enumerate(table.columns) if column.value in _SLOW_TO_PICKLE]

    def raw_bytes(rows: Sequence[Row]) -> bytes:
        if positions:
            columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
            for position in positions if columns else ():
                column = columns[position]
                columns[position] = [one if (parts := _PARTS.get(type(one))) is None else parts(one) for one in column]
            rows = list(zip(*columns, strict=True))
        buffer = io.BytesIO()
        pickler = pickle.Pickler(buffer, protocol=5)
        pickler.fast = True  # without its memo, which depends on which values are the same object
        for row in rows:
            pickler.dump(row)
        return buffer.getvalue()

    return raw_bytes


def _of_moment(moment: datetime) -> tuple[Any, ...]:
    """The instant of one with a zone, whatever the zone; and no instant for one without."""
    if moment.tzinfo is None:
        since = moment - _BEGINNING
        return "local", since.days, since.seconds, since.microseconds
    since = moment - _BEGINNING_UTC
    return "moment", since.days, since.seconds, since.microseconds


def _of_date(day: date) -> tuple[Any, ...]:
    return "date", day.toordinal()


def _of_decimal(number: Decimal) -> tuple[Any, ...]:
    return "decimal", str(number)


def _of_uuid(uuid: UUID) -> tuple[Any, ...]:
    return "uuid", uuid.int


_BEGINNING, _BEGINNING_UTC = datetime(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)  # noqa: DTZ001 - of local times
_SLOW_TO_PICKLE = frozenset({ValueType.DATETIME, ValueType.DATE, ValueType.DECIMAL, ValueType.UUID})
"""Values of these may be objects whose class is looked up and written each time, at 4 us each."""
_PARTS: dict[type, Callable[[Any], tuple[Any, ...]]] = {
    datetime: _of_moment,
    date: _of_date,
    Decimal: _of_decimal,
    UUID: _of_uuid,
}
