"""The vector search of the query benchmark: by the server's index where it has one, else exactly, over all vectors.

What belongs here: which of the two it is, and what an answer must be. What does not: the searches themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pymongo.collection import Collection

from atlas_pipeline.benchmarking.latency import Operation
from atlas_pipeline.benchmarking.sampling import drawn, generator
from atlas_pipeline.embedding.search import Neighbour, nearest
from atlas_pipeline.embedding.vector_index import look_at_vector_index
from atlas_pipeline.errors import TargetError
from atlas_pipeline.spec.storage import Embedding

Document = dict[str, Any]
Vector = NDArray[np.float64]

NEAREST = 10
CANDIDATES = 100
_ITSELF = 1 - 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorSearch:
    """What is measured, and by which way.

    Attributes:
        operation: The ten documents nearest to a stored vector. None when no document has one.
        how: Which way, and why that one.
    """

    operation: Operation[Vector, list[Neighbour]] | None
    how: str


def vector_search(events: Collection[Document], embedding: Embedding, seed: int) -> VectorSearch:
    """The vector search that this server can do on this collection, which may be missing."""
    numbers = generator(seed, "vector_search")
    complete = {embedding.path: {"$size": embedding.dimensions}}
    pool = drawn((one["_id"] for one in events.find(complete, {"_id": 1}).sort("_id", 1)), numbers)
    if not pool:
        return VectorSearch(operation=None, how=f"no document of {events.full_name} has a vector")
    index = look_at_vector_index(events, embedding)
    by_index = index.state == "ready"

    def draw() -> Vector:
        key = numbers.choice(pool)
        found = events.find_one({"_id": key, **complete}, {embedding.path: 1})
        if found is None:
            raise TargetError(f"{events.full_name}: document {key!r} has lost its vector.", "run again")
        return np.array(found[embedding.path], dtype=np.float64)

    def ask(vector: Vector) -> list[Neighbour]:
        if not by_index:
            return nearest(events, vector, embedding=embedding, limit=NEAREST)
        found = events.aggregate(pipeline_of(embedding, vector.tolist()))
        return [Neighbour(one["_id"], one["score"]) for one in found]

    wanted = min(NEAREST, len(pool))

    def check(_: Vector, found: list[Neighbour]) -> str:
        if len(found) != wanted:
            return f"{len(found)} documents came and not {wanted}"
        scores = [one.score for one in found]
        if scores != sorted(scores, reverse=True):
            return "the documents are not in the order of their nearness"
        return "" if by_index or scores[0] >= _ITSELF else "the document itself is not the nearest one"

    how = (
        f"by $vectorSearch with {index.name}, {CANDIDATES} candidates"
        if by_index
        else f"exact, over all vectors of {events.full_name}, for the index is {index.state}: {index.reason}"
    )
    return VectorSearch(operation=Operation(name="vector_search", draw=draw, ask=ask, check=check), how=how)


def pipeline_of(embedding: Embedding, vector: list[float]) -> list[Document]:
    """The aggregation that asks the server's index."""
    return [
        {
            "$vectorSearch": {
                "index": embedding.index.name,
                "path": embedding.path,
                "queryVector": vector,
                "numCandidates": CANDIDATES,
                "limit": NEAREST,
            }
        },
        {"$project": {"_id": 1, "score": {"$meta": "vectorSearchScore"}}},
    ]
