"""Fingerprints of documents and keys: what was sent, what is there, and which keys this pipeline loaded.

All of them are taken over canonical BSON. What does not belong here: what a difference means.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from pymongo.collection import Collection

from atlas_pipeline.load.encoded import end_of

KEY_HASH_BYTES = 8
_STRING = 0x02
_NUMBERS = {0x01: "<d", 0x10: "<i", 0x12: "<q"}
"""BSON's double, int32 and int64, as `struct` reads them."""
_ID_VALUE = 9
"""Where the value of `_id` begins in a document whose first field it is: length (4), type (1), name `_id` (4)."""
_TEXT = _ID_VALUE + 4
"""Where the characters of an `_id` begin that is a text, behind their number."""


def new_digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def digest_of_ranges(digests: Iterable[bytes]) -> str:
    """The hex digest of a collection, made of those of its key ranges in their order."""
    whole = new_digest()
    for digest in digests:
        whole.update(digest)
    return whole.hexdigest()


def key_hash(document: bytes) -> bytes:
    """Eight bytes that stand for the `_id` of an encoded document whose first field is `_id`.

    Integers hash alike whatever their width, doubles without a fraction included, as the server holds them for one key.
    """
    kind = document[4]
    if kind == _STRING:
        end = _ID_VALUE + 4 + int.from_bytes(document[_ID_VALUE : _ID_VALUE + 4], "little")
        value = document[_ID_VALUE:end]
    elif (number := _whole_number(document)) is not None:
        value = number.to_bytes(8, "little", signed=True)
    else:
        value = document[4 : end_of(document, kind, _ID_VALUE)]
    return hashlib.blake2b(value, digest_size=KEY_HASH_BYTES).digest()


def key_hashes(documents: Sequence[bytes]) -> bytes:
    """The hashes of the `_id`s of documents, one behind the other."""
    heads = {document[4:_TEXT] for document in documents}
    if len(heads) == 1 and next(iter(heads))[0] == _STRING:  # texts of one length, such as UUIDs
        end = _TEXT + int.from_bytes(documents[0][_ID_VALUE:_TEXT], "little")
        blake2b, size = hashlib.blake2b, KEY_HASH_BYTES
        return b"".join([blake2b(document[_ID_VALUE:end], digest_size=size).digest() for document in documents])
    return b"".join(map(key_hash, documents))


def _whole_number(document: bytes) -> int | None:
    """The `_id` as a 64-bit integer when its value is one."""
    form = _NUMBERS.get(document[4])
    if form is None:
        return None
    (number,) = struct.unpack_from(form, document, _ID_VALUE)
    if isinstance(number, float):
        return int(number) if number.is_integer() and -(2.0**63) <= number < 2.0**63 else None
    return int(number)


def split_documents(batch: bytes) -> Iterator[bytes]:
    """The single documents of a raw batch."""
    position = 0
    while position < len(batch):
        end = position + int.from_bytes(batch[position : position + 4], "little")
        yield batch[position:end]
        position = end


def raw_range(
    collection: Collection[Any], first: Any = None, before: Any = None, *, projection: Any = None, comment: str = ""
) -> Iterator[bytes]:
    """Raw batches of the documents with `first <= _id < before`, in `_id` order.

    Bounds are index bounds, not query predicates: those compare within one type only and would miss ids of another.

    Args:
        collection: Where to read.
        first: Lower bound, or None for the very first document.
        before: Upper bound, exclusive, or None for the very last document.
        projection: Fields to read, or None for all.
        comment: Run id, shown in the server's log and current operations.
    """
    cursor: Any = collection.find_raw_batches({}, projection, comment=comment, batch_size=10_000)
    cursor = cursor.sort("_id", 1).hint([("_id", 1)])
    if first is not None:
        cursor = cursor.min([("_id", first)])
    if before is not None:
        cursor = cursor.max([("_id", before)])
    yield from cursor


def hashes_of(keys: bytes) -> set[bytes]:
    """The single key hashes of a stored concatenation."""
    return {keys[i : i + KEY_HASH_BYTES] for i in range(0, len(keys), KEY_HASH_BYTES)}


def without(keys: bytes, dropped: set[bytes]) -> bytes:
    """A stored concatenation without some hashes."""
    parts: Sequence[bytes] = [keys[i : i + KEY_HASH_BYTES] for i in range(0, len(keys), KEY_HASH_BYTES)]
    return b"".join(part for part in parts if part not in dropped)
