"""How a vector lies in a document: two last fields, put on and taken off at byte level.

The canonical bytes stay a prefix: only the length in front of them and the closing byte are new. What does not belong
here: which vector a document gets.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import bson
import numpy as np
from numpy.typing import NDArray

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.storage import Embedding
from atlas_pipeline.spec.tables import TableSpec

_DOUBLE, _OBJECT, _ARRAY, _NULL = b"\x01", b"\x03", b"\x04", b"\x0a"
_LENGTH = struct.Struct("<i")
_VECTOR_KINDS = (_ARRAY[0], _NULL[0])
_REGULAR_EXPRESSION = 0x0B
_FIXED = {0x01: 8, 0x06: 0, 0x07: 12, 0x08: 1, 0x09: 8, 0x0A: 0, 0x10: 4, 0x11: 8, 0x12: 8, 0x13: 16, 0x7F: 0, 0xFF: 0}
"""Bytes of the values of BSON types that are all of one size."""
_BESIDE_LENGTH = {0x02: 4, 0x05: 5, 0x0C: 16, 0x0D: 4, 0x0E: 4}
"""Bytes of a value that its own length does not count; none of any other type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What a document says of its vector.

    Attributes:
        model: Which embedder made it.
        text_hash: Of which text.
        dimensions: Its length; 0 when the text is empty, so that there is no vector.
        norm: Its Euclidean length, rounded to six decimals; 0 when there is none.
    """

    model: str
    text_hash: str
    dimensions: int
    norm: float

    def encoded(self) -> bytes:
        return bson.encode(
            {"model": self.model, "text_hash": self.text_hash, "dimensions": self.dimensions, "norm": self.norm}
        )


def require_room(table: TableSpec) -> Embedding:
    """The table's embedding. Raises SpecError when it has none, or a field of the document has one of its names."""
    embedding = table.embedding
    if embedding is None:
        raise SpecError(f"Table {table.source} has no embedding.", "give it embedding=")
    taken = {"_id", *(leaf.path.split(".")[0] for leaf in table.leaves)}
    if embedding.path in taken or embedding.info_path in taken or embedding.path == embedding.info_path:
        raise SpecError(
            f"Table {table.source}: {embedding.path} and {embedding.info_path} are not free for the vector.",
            "choose other names with path= and info_path= of the embedding",
        )
    return embedding


def append(
    documents: Sequence[bytes], vectors: Sequence[bytes | None], infos: Sequence[Info], embedding: Embedding
) -> list[bytes]:
    """The documents with their vectors, as `encoded` made them, or null, and what is to be known of them."""
    path, info_path = _name(embedding.path), _OBJECT + _name(embedding.info_path)
    result = []
    for document, vector, info in zip(documents, vectors, infos, strict=True):
        value = _NULL + path if vector is None else _ARRAY + path + vector
        body = document[4:-1] + value + info_path + info.encoded()
        result.append(b"".join((_LENGTH.pack(len(body) + 5), body, b"\0")))
    return result


def encoded(vectors: NDArray[np.float32]) -> list[bytes]:
    """Each row as a BSON array of doubles that are exactly its floats. Shape: (vectors, dimensions)."""
    template, places = _template(vectors.shape[1])
    filled = np.tile(template, (len(vectors), 1))
    filled[:, places] = vectors.astype("<f8").view(np.uint8)
    return [row.tobytes() for row in filled]


def trailing_array(document: bytes, embedding: Embedding) -> tuple[bytes, bytes] | None:
    """Elements before the vector, and its array, of a document that ends with a vector of the usual size.

    None for any other document. What the array holds is for `numbers` to find out.
    """
    size = len(_template(embedding.dimensions)[0])
    mark = _ARRAY + _name(embedding.path)
    start = len(document) - 1 - size
    if start < 4 + len(mark) or not document.endswith(mark, 4, start) or _length_at(document, start) != size:
        return None
    return document[4 : start - len(mark)], document[start:-1]


def numbers(arrays: Sequence[bytes], dimensions: int) -> NDArray[np.float64] | None:
    """Numbers of BSON arrays of the usual size, one array per row; None when one holds something else than doubles."""
    template, places = _template(dimensions)
    found = np.frombuffer(b"".join(arrays), dtype=np.uint8).reshape(len(arrays), len(template))
    frame = np.delete(np.arange(len(template)), places)
    if not np.array_equal(found[:, frame], np.broadcast_to(template[frame], (len(arrays), len(frame)))):
        return None
    return np.take(found, places, axis=1).view("<f8").astype(np.float64)


def split(document: bytes, embedding: Embedding) -> tuple[bytes, dict[str, Any]] | None:
    """The canonical document, and vector and info as Python values; None when it does not end with these two fields."""
    cut = _cut(document, embedding)
    if cut is None:
        return None
    tail = bson.decode(_LENGTH.pack(len(document) - cut + 4) + document[cut:])
    return _without(document, cut), tail


def canonical_part(document: bytes, table: TableSpec) -> bytes:
    """The canonical document. One that does not end with vector and info is given back as it is."""
    cut = _cut(document, require_room(table))
    return document if cut is None else _without(document, cut)


def _without(document: bytes, cut: int) -> bytes:
    return _LENGTH.pack(cut + 1) + document[4:cut] + b"\0"


def _cut(document: bytes, embedding: Embedding) -> int | None:
    """Where the vector's field begins, when it and the info are the last two fields."""
    path, info_path = embedding.path.encode(), _OBJECT + _name(embedding.info_path)
    start, last = 4, len(document) - 1
    while start < last:
        named = document.index(0, start + 1)
        end = _end_of(document, document[start], named + 1)
        if (
            document[start] in _VECTOR_KINDS
            and document[start + 1 : named] == path
            and document.startswith(info_path, end)
            and end + len(info_path) + _length_at(document, end + len(info_path)) == last
        ):
            return start
        start = end
    return None


def _end_of(document: bytes, kind: int, position: int) -> int:
    """Where a value of this BSON type ends that begins here."""
    size = _FIXED.get(kind)
    if size is not None:
        return position + size
    if kind == _REGULAR_EXPRESSION:
        return document.index(0, document.index(0, position) + 1) + 1
    return position + _length_at(document, position) + _BESIDE_LENGTH.get(kind, 0)


def _length_at(document: bytes, position: int) -> int:
    return int.from_bytes(document[position : position + 4], "little")


def _name(path: str) -> bytes:
    return path.encode() + b"\0"


@lru_cache(maxsize=8)
def _template(dimensions: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """A BSON array of so many zeros, and where the bytes of its doubles are."""
    elements = [_DOUBLE + str(position).encode() + b"\0" for position in range(dimensions)]
    ends = np.cumsum([len(element) + 8 for element in elements]) + 4
    body = b"".join(element + bytes(8) for element in elements)
    template = np.frombuffer(_LENGTH.pack(len(body) + 5) + body + b"\0", dtype=np.uint8)
    return template, (ends[:, None] - 8 + np.arange(8)).reshape(-1)
