"""Fingerprints of documents and keys: what was sent, what is there, and which keys this pipeline loaded.

All of them are taken over canonical BSON. What does not belong here: what a difference means.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from bson.max_key import MaxKey
from bson.min_key import MinKey
from pymongo.collection import Collection

KEY_HASH_BYTES = 8
_STRING, _INT32, _INT64 = 0x02, 0x10, 0x12
_ID_VALUE = 9
"""Where the value of `_id` begins in a document whose first field it is: length (4), type (1), name `_id` (4)."""


def new_digest() -> hashlib.blake2b:
    return hashlib.blake2b(digest_size=16)


def key_hash(document: bytes) -> bytes:
    """Eight bytes that stand for the `_id` of an encoded document whose first field is `_id`.

    Integers hash alike whatever their width, as the server holds them for one key.
    """
    kind = document[4]
    if kind == _STRING:
        end = _ID_VALUE + 4 + int.from_bytes(document[_ID_VALUE : _ID_VALUE + 4], "little")
        value = document[_ID_VALUE:end]
    elif kind in (_INT32, _INT64):
        width = 4 if kind == _INT32 else 8
        number = int.from_bytes(document[_ID_VALUE : _ID_VALUE + width], "little", signed=True)
        value = number.to_bytes(8, "little", signed=True)
    else:
        end = _ID_VALUE + int.from_bytes(document[_ID_VALUE : _ID_VALUE + 4], "little")
        value = document[4:end] if kind == 0x03 else document[4:]
    return hashlib.blake2b(value, digest_size=KEY_HASH_BYTES).digest()


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
    lowest: Any = MinKey() if first is None else first
    highest: Any = MaxKey() if before is None else before
    cursor: Any = collection.find_raw_batches({}, projection, comment=comment, batch_size=10_000)
    yield from cursor.sort("_id", 1).hint([("_id", 1)]).min([("_id", lowest)]).max([("_id", highest)])


def hashes_of(keys: bytes) -> set[bytes]:
    """The single key hashes of a stored concatenation."""
    return {keys[i : i + KEY_HASH_BYTES] for i in range(0, len(keys), KEY_HASH_BYTES)}


def without(keys: bytes, dropped: set[bytes]) -> bytes:
    """A stored concatenation without some hashes."""
    parts: Sequence[bytes] = [keys[i : i + KEY_HASH_BYTES] for i in range(0, len(keys), KEY_HASH_BYTES)]
    return b"".join(part for part in parts if part not in dropped)
