"""Exact nearest neighbours, on every server: the vectors are read once through and compared here.

Time grows with the collection and memory does not. What does not belong here: search by an index of the server
(`vector_index`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import bson
import numpy as np
from numpy.typing import NDArray
from pymongo.collection import Collection

from atlas_pipeline.embedding import layout
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.spec.storage import Embedding

_AT_ONCE = 1_000
"""Documents per batch of the cursor; with 384 dimensions about 5 MB."""


class Neighbour(NamedTuple):
    """A document and how near it is.

    Attributes:
        id: Its `_id`.
        score: Cosine of the angle between the vectors, -1 to 1.
    """

    id: Any
    score: float


def nearest(
    collection: Collection[Any],
    vector: NDArray[Any],
    *,
    embedding: Embedding,
    limit: int = 10,
    filter: Mapping[str, Any] | None = None,
    comment: str = "",
) -> list[Neighbour]:
    """The documents whose vectors are nearest, best first; ties in the order of the ids' bytes.

    Stored vectors have unit length, so cosine, scalar product and distance give the same order. Documents without a
    vector of the spec's length are left out.

    Args:
        collection: Where to look.
        vector: What to look for, of any length but zero.
        embedding: The table's embedding.
        limit: How many documents at most.
        filter: Query that narrows the search, such as `{"tenant_id": "default"}`.
        comment: Run id, shown in the server's log and current operations.

    Raises:
        ConfigurationError: The vector has another number of dimensions, or no direction.
    """
    wanted = np.asarray(vector, dtype=np.float64)
    length = float(np.linalg.norm(wanted))
    if wanted.shape != (embedding.dimensions,) or not 0 < length < np.inf:
        raise ConfigurationError(
            f"A vector of shape {wanted.shape} and length {length:g} cannot be searched for in {collection.full_name}.",
            f"give {embedding.dimensions} finite numbers, not all of them zero",
        )
    query = {"$and": [{embedding.path: {"$size": embedding.dimensions}}, dict(filter or {})]}
    best: list[tuple[float, bytes]] = []
    batches = collection.find_raw_batches(query, {"_id": 1, embedding.path: 1}, batch_size=_AT_ONCE, comment=comment)
    for batch in batches:
        ids, matrix = _columns(batch, embedding)
        if not ids:
            continue
        # Row by row, not by a matrix product, whose last bits depend on where in the batch a row is.
        scores = (matrix * wanted).sum(axis=1)
        norms = np.sqrt((matrix * matrix).sum(axis=1)) * length
        scores = np.divide(scores, norms, out=np.zeros_like(scores), where=norms > 0)
        worst = best[-1][0] if len(best) >= limit else -np.inf
        best += [(float(scores[position]), ids[position]) for position in np.flatnonzero(scores >= worst)]
        best = sorted(best, key=_rank)[:limit]
    return [Neighbour(bson.decode(_document(found))["_id"], score) for score, found in best]


def nearest_to(
    collection: Collection[Any],
    document_id: Any,
    *,
    embedding: Embedding,
    limit: int = 10,
    filter: Mapping[str, Any] | None = None,
    comment: str = "",
) -> list[Neighbour]:
    """The documents nearest to a stored one, which is not among them. See `nearest`.

    Raises:
        ConfigurationError: There is no such document, or it has no vector of the spec's length.
    """
    found = collection.find_one({"_id": document_id}, {embedding.path: 1}, comment=comment)
    if found is None:
        raise ConfigurationError(f"{collection.full_name} holds no document {document_id!r}.", "give an _id of it")
    vector = found.get(embedding.path)
    if not isinstance(vector, list) or len(vector) != embedding.dimensions:
        raise ConfigurationError(
            f"{collection.full_name}: document {document_id!r} has no vector of {embedding.dimensions} dimensions.",
            "sync the table with an embedder, or ask for another document",
        )
    others = {"$and": [{"_id": {"$ne": document_id}}, dict(filter or {})]}
    return nearest(collection, np.array(vector), embedding=embedding, limit=limit, filter=others, comment=comment)


def _rank(candidate: tuple[float, bytes]) -> tuple[float, bytes]:
    return -candidate[0], candidate[1]


def _columns(batch: bytes, embedding: Embedding) -> tuple[list[bytes], NDArray[np.float64]]:
    """The encoded `_id` of each document of a raw batch, and the vectors as rows."""
    documents = list(_documents(batch))
    parts = [layout.trailing_array(document, embedding) for document in documents]
    ids = [part[0] if part else _element_of_id(document) for part, document in zip(parts, documents, strict=True)]
    vectors = layout.numbers([part[1] for part in parts if part], embedding.dimensions)
    if vectors is not None and len(vectors) == len(documents):
        return ids, vectors
    # Other programs write whole numbers as integers.
    decoded = [bson.decode(document)[embedding.path] for document in documents]
    return ids, np.array(decoded, dtype=np.float64).reshape(len(documents), embedding.dimensions)


def _documents(batch: bytes) -> Iterator[bytes]:
    position = 0
    while position < len(batch):
        end = position + int.from_bytes(batch[position : position + 4], "little")
        yield batch[position:end]
        position = end


def _element_of_id(document: bytes) -> bytes:
    return bson.encode({"_id": bson.decode(document)["_id"]})[4:-1]


def _document(element: bytes) -> bytes:
    """A document of one element."""
    return (len(element) + 5).to_bytes(4, "little") + element + b"\0"
