"""How a collection is stored on the server, and what it holds beside the canonical document.

What belongs here: time-series options, shard keys, embeddings and their vector index, as data. What does not: loading
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from atlas_pipeline.errors import SpecError
from atlas_pipeline.spec.indexes import IndexSpec

Storage = Literal["plain", "time_series"]
ShardKey = Literal["range", "hashed"]
"""How a sharded cluster spreads the documents of a collection: by ranges of their `_id`, or by its hash.

By other fields it cannot: a cluster keeps `_id` unique only when that is its shard key, and every write here names a
document by its `_id`, which a cluster takes for an upsert only then.
"""


def check_shard_key(key: ShardKey | None, where: str, *, storage: Storage, indexes: Sequence[IndexSpec]) -> None:
    """Raise SpecError, in which `where` names the table, if a collection with these indexes cannot have it."""
    if key is None:
        return
    if key not in get_args(ShardKey):
        raise SpecError(f"{where}: shard_key={key!r}.", f"use {' or '.join(get_args(ShardKey))}")
    if storage != "plain":
        raise SpecError(
            f"{where}: a shard key of a time series.", "it has no unique _id to be spread by; drop shard_key"
        )
    if unique := [index.name for index in indexes if index.unique]:
        raise SpecError(
            f"{where}: a shard key, which is _id, and the unique index {unique[0]}.",
            "a cluster keeps unique only what begins with its shard key; drop shard_key, or unique",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeSeries:
    """Options of a time-series collection. The server keeps documents of one meta value in shared buckets.

    Attributes:
        time_field: Top-level field of the document that holds its moment; never null.
        meta_field: Top-level field by which the server groups documents; before MongoDB 7 it deletes only by this one.
        granularity: Expected distance of documents of one meta value.
    """

    time_field: str
    meta_field: str
    granularity: Literal["seconds", "minutes", "hours"]

    def options(self) -> dict[str, Any]:
        """Options as the server takes and reports them."""
        return {"timeField": self.time_field, "metaField": self.meta_field, "granularity": self.granularity}


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorIndex:
    """A vector search index, which only some servers can build.

    Attributes:
        name: Index name.
        similarity: How nearness is measured.
        filters: Fields by which a search may be narrowed.
    """

    name: str
    similarity: Literal["cosine", "dotProduct", "euclidean"]
    filters: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedding:
    """A vector per document, computed from a text that is made of the row.

    The text is `label: value` for each column, then for each scalar entry of the JSON objects in key order, joined by
    ` | `. Numbers have two decimals; nulls, arrays and objects are left out. The vector is no part of the canonical
    document: its floats depend on processor and batch. Compared are model, text hash, dimension and norm.

    Attributes:
        path: Top-level field of the vector, an array of doubles. Last but one in the document.
        info_path: Top-level field that says how it was made: model, text_hash, dimensions, norm. Last in the document.
        dimensions: Length of the vector.
        columns: Columns of the text, in order.
        objects: JSON object columns whose entries follow.
        index: Vector search index on `path`.
    """

    path: str = "embedding"
    info_path: str = "embedding_info"
    dimensions: int
    columns: tuple[str, ...]
    objects: tuple[str, ...] = ()
    index: VectorIndex

    def check(self, where: str) -> None:
        """Raise SpecError, in which `where` names the table, if the embedding contradicts itself."""
        if self.dimensions < 1:
            raise SpecError(f"{where}: an embedding of {self.dimensions} dimensions.", "give at least one")
        if not self.columns:
            raise SpecError(f"{where}: an embedding of no column.", "name the columns of its text")
