"""Fingerprints of raw source rows: whether a stretch of rows is, value by value, what it was when it was last loaded.

A fingerprint also takes in all else that a document depends on, so that equal fingerprints mean equal documents. What
does not belong here: fingerprints of documents (`digest`).
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections.abc import Sequence
from typing import Any

from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.spec.tables import TableSpec

FORM = 1
"""To be raised when the same spec and row become another document than before."""


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
    """The fingerprint of no row yet; `update` it with `raw_bytes` of the rows in key order."""
    return hashlib.blake2b(digest_size=16, key=seed)


def raw_bytes(rows: Sequence[Sequence[Any]]) -> bytes:
    """Bytes that tell rows apart: by value and type of every column, and never by how rows were cut into batches."""
    buffer = io.BytesIO()
    pickler = pickle.Pickler(buffer, protocol=5)
    pickler.fast = True  # without its memo, which depends on which values are the same object
    for row in rows:
        pickler.dump(row)
    return buffer.getvalue()
