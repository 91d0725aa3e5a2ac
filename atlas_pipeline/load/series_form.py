"""The one form in which documents of a time series are compared, for the server gives them back reordered.

It keeps no order of the fields at the top and inside the metaField: `_id` comes first, then the time, then the others
by name. All else is kept byte for byte. What does not belong here: reading and writing.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import replace

from atlas_pipeline.load.encoded import ARRAY, OBJECT, elements, end_of
from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES, MappedBatch, Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.expressions import FirstOf, Unpacked
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline.spec.tables import TableSpec

LARGEST_DOCUMENT = MAX_DOCUMENT_BYTES // 3
"""In bytes. A bucket holds each value of a single document three times: itself, as the smallest and as the largest."""

_moment = struct.Struct("<q").unpack_from
_ID_VALUE = 9
"""Where the value of `_id` begins in a document whose first field it is: length (4), type (1), name `_id` (4)."""

Moment = int
"""Milliseconds since 1970, as BSON holds dates."""


class SeriesForm:
    """The form of one time series.

    Args:
        table: Its table.
    """

    def __init__(self, table: TableSpec) -> None:
        options = _options(table)
        self._time, self._meta = _name(options.time_field), _name(options.meta_field)
        self._mapped_in_form = not any(
            isinstance(field.source, Unpacked | FirstOf)
            for field in table.document
            if field.path.split(".")[0] == options.meta_field
        )

    def of(self, document: bytes) -> tuple[Moment, bytes]:
        """When a document is, and its form: a document of the same fields."""
        parts = elements(document)
        first, time = parts.pop(_ID, b""), parts.pop(self._time)
        if (meta := parts.get(self._meta)) is not None:
            parts[self._meta] = _sorted(self._meta, meta)
        rest = [parts[name] for name in sorted(parts)]
        return _moment(time, len(time) - 8)[0], b"".join((document[:4], first, time, *rest, b"\0"))

    def of_mapped(self, document: bytes) -> tuple[Moment, bytes]:
        """The same of a document that was mapped as `in_form` says: most of these are in form already."""
        if not self._mapped_in_form:
            return self.of(document)
        time = end_of(document, document[4], _ID_VALUE)
        return _moment(document, time + 1 + len(self._time))[0], document

    def meta_of(self, document: bytes) -> bytes:
        """The metaField as a document of that one field; an empty one when there is none."""
        meta = elements(document).get(self._meta, b"")
        return (len(meta) + 5).to_bytes(4, "little") + meta + b"\0"


def in_form(table: TableSpec) -> TableSpec:
    """The table with the fields of its documents in the order of the form."""
    options = _options(table)
    position = {field: at for at, field in enumerate(table.document)}

    def order(path: str, at: int) -> tuple[bool, bytes, list[bytes], int]:
        top, *inside = path.split(".")
        sorted_inside = [_name(part) for part in inside] if top == options.meta_field else []
        return top != options.time_field, _name(top), sorted_inside, at

    fields = sorted(table.document, key=lambda field: order(field.path, position[field]))
    return replace(table, document=tuple(fields))


def refuse_large(mapped: MappedBatch, mapper: Mapper) -> MappedBatch:
    """The batch without the documents that a time series does not take, whose rows are refused."""
    large = [i for i, document in enumerate(mapped.documents) if len(document) > LARGEST_DOCUMENT]
    for i in reversed(large):
        reason = f"a time series takes no document of over {LARGEST_DOCUMENT:,} bytes"
        mapped.rejects.append(mapper.reject(mapped.rows[i], "", RejectCode.TOO_LARGE, reason))
        del mapped.documents[i], mapped.ids[i], mapped.rows[i]
    return mapped


def fingerprint(form: bytes) -> bytes:
    """Sixteen bytes that stand for a form."""
    return hashlib.blake2b(form, digest_size=16).digest()


def _options(table: TableSpec) -> TimeSeries:
    assert table.time_series is not None
    return table.time_series


def _name(field: str) -> bytes:
    return field.encode() + b"\0"


_ID = _name("_id")


def _sorted(name: bytes, part: bytes) -> bytes:
    """A field with the fields of every object in it sorted by name."""
    kind = part[0]
    if kind not in (OBJECT, ARRAY):
        return part
    start = 1 + len(name)
    inner = elements(part[start:])
    parts = [
        _sorted(one, inner[one]) if inner[one][0] in (OBJECT, ARRAY) else inner[one]
        for one in (inner if kind == ARRAY else sorted(inner))
    ]
    return b"".join((part[: start + 4], *parts, b"\0"))
