"""Gives mapped documents their vectors, and says whether a stored document has the right one.

What belongs here: text, cache, embedder and bytes brought together, batch by batch. What does not: where batches come
from and where they go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from atlas_pipeline.embedding import layout
from atlas_pipeline.embedding.cache import NORM_TOLERANCE, EmbeddingCache, Vector, is_unit
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.layout import Info
from atlas_pipeline.embedding.text import EmbeddingText, text_hash
from atlas_pipeline.errors import ConfigurationError, DataQualityError
from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES, MappedBatch, Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.storage import Embedding
from atlas_pipeline.spec.tables import TableSpec

EMBED_AT_ONCE = 256
"""Texts that are embedded before their vectors go into the cache, so that a killed run loses little."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddingCounts:
    """Where the vectors of documents came from. The four add up to the documents.

    Attributes:
        computed: Embedded now; one document for each text.
        cached: Taken from the cache.
        repeated: Same text as a document of the same batch for which it was computed.
        empty: No vector, because the text is empty.
    """

    computed: int = 0
    cached: int = 0
    repeated: int = 0
    empty: int = 0

    def by_origin(self) -> dict[str, int]:
        """The counts that are not zero, by name."""
        return {one.name: count for one in fields(self) if (count := getattr(self, one.name))}

    def __add__(self, other: EmbeddingCounts) -> EmbeddingCounts:
        return EmbeddingCounts(**{one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)})


@dataclass(frozen=True, slots=True)
class Enriched:
    """One batch with its vectors.

    Attributes:
        documents: As handed in and in that order, each with the two fields at its end.
        counts: Where the vectors came from.
        too_large: Positions of documents that only the vector makes larger than a server takes; to be refused.
    """

    documents: list[bytes]
    counts: EmbeddingCounts
    too_large: tuple[int, ...]


class Enricher:
    """Appends vectors to the documents of one table.

    Args:
        table: A table with an embedding.
        embedder: What computes the vectors.
        cache: What remembers them.

    Raises:
        SpecError: The table has no embedding, or one that cannot be made.
        ConfigurationError: The embedder makes vectors of another length than the spec asks for.
    """

    def __init__(self, table: TableSpec, embedder: Embedder, cache: EmbeddingCache) -> None:
        self._table = table
        self._embedding = layout.require_room(table)
        self._text = EmbeddingText(table)
        self._embedder = embedder
        self._cache = cache
        if embedder.dimensions != self._embedding.dimensions:
            raise ConfigurationError(
                f"Table {table.source} asks for vectors of {self._embedding.dimensions} dimensions, "
                f"{embedder.model} makes {embedder.dimensions}.",
                "use another embedder, or change dimensions in the table's embedding",
            )

    def enrich(self, rows: Sequence[tuple[Any, ...]], documents: Sequence[bytes]) -> Enriched:
        """Append vector and info to each document.

        Args:
            rows: The rows, as the source gave them.
            documents: The canonical document of each row.

        Raises:
            DataQualityError: The embedder gave something that is no vector of unit length.
            TargetError: The cache cannot be written.
        """
        texts = self._text.texts(rows)
        hashes = [text_hash(text) for text in texts]
        wanted = {found: text for found, text in zip(hashes, texts, strict=True) if text}
        vectors = self._cache.get(self._embedder.model, self._embedding.dimensions, wanted)
        cached = set(vectors)
        missing = [found for found in wanted if found not in cached]
        for start in range(0, len(missing), EMBED_AT_ONCE):
            vectors.update(self._compute({found: wanted[found] for found in missing[start : start + EMBED_AT_ONCE]}))
        enriched = self._append(documents, texts, hashes, vectors)
        empty = sum(not text for text in texts)
        taken = sum(found in cached for found in hashes)
        counts = EmbeddingCounts(
            computed=len(missing), cached=taken, repeated=len(texts) - empty - taken - len(missing), empty=empty
        )
        large = tuple(
            position
            for position, (before, after) in enumerate(zip(documents, enriched, strict=True))
            if len(after) > MAX_DOCUMENT_BYTES >= len(before)
        )
        return Enriched(enriched, counts, large)

    def enrich_batch(self, batch: MappedBatch, mapper: Mapper) -> EmbeddingCounts:
        """Append vector and info to the documents of a mapped batch. Rows whose document is too large with them become
        rejects. Raises as `enrich`.
        """
        if not batch.rows:
            return EmbeddingCounts()
        enriched = self.enrich(batch.rows, batch.documents)
        batch.documents = enriched.documents
        for position in reversed(enriched.too_large):
            reason = "with its vector the document is over 16 MiB"
            batch.rejects.append(mapper.reject(batch.rows[position], "", RejectCode.TOO_LARGE, reason))
            del batch.documents[position], batch.ids[position], batch.rows[position]
        return enriched.counts

    @property
    def model(self) -> str:
        """Name of the embedder, as it is stored with every vector."""
        return self._embedder.model

    def canonical_part(self, document: bytes) -> bytes:
        """A stored document without what was appended to it."""
        return layout.canonical_part(document, self._table)

    def problem(self, row: tuple[Any, ...], document: bytes) -> str | None:
        """What is wrong with the vector of the stored document of a row, or None; see `embedding_problem`."""
        (expected,) = self._text.hashes([row])
        return embedding_problem(document, self._embedding, expected_text_hash=expected, model=self._embedder.model)

    def _compute(self, texts: Mapping[str, str]) -> dict[str, Vector]:
        made = self._embedder.embed(list(texts.values()))
        right_shape = made.shape == (len(texts), self._embedding.dimensions) and made.dtype == np.float32
        if not right_shape or not all(map(is_unit, made)):
            raise DataQualityError(
                f"Table {self._table.source}: {self._embedder.model} gave something that is no vector of "
                f"{self._embedding.dimensions} floats and length 1.",
                "nothing was published; use another embedder",
            )
        computed = dict(zip(texts, made, strict=True))
        self._cache.put(self._embedder.model, computed)
        return computed

    def _append(
        self, documents: Sequence[bytes], texts: Sequence[str], hashes: Sequence[str], vectors: Mapping[str, Vector]
    ) -> list[bytes]:
        names = list(vectors)
        dimensions = self._embedding.dimensions
        matrix = np.stack([vectors[name] for name in names]) if names else np.empty((0, dimensions), dtype=np.float32)
        norms = dict(zip(names, np.linalg.norm(matrix.astype(np.float64), axis=1).round(6).tolist(), strict=True))
        encoded = dict(zip(names, layout.encoded(matrix), strict=True))
        infos = [
            Info(
                model=self._embedder.model,
                text_hash=found,
                dimensions=dimensions if text else 0,
                norm=norms[found] if text else 0.0,
            )
            for text, found in zip(texts, hashes, strict=True)
        ]
        arrays = [encoded[found] if text else None for text, found in zip(texts, hashes, strict=True)]
        return layout.append(documents, arrays, infos, self._embedding)


def embedding_problem(document: bytes, embedding: Embedding, *, expected_text_hash: str, model: str) -> str | None:
    """What is wrong with the vector of a stored document, or None.

    Vectors are never compared number by number: their last bits depend on processor and batch. Compared are model,
    text hash, dimensions, and the norm with 1 and with what the document says of it.

    Args:
        document: The whole document, BSON encoded.
        embedding: The table's embedding.
        expected_text_hash: Hash of the text that the source row gives now.
        model: Name of the embedder that should have made it.
    """
    parts = layout.split(document, embedding)
    if parts is None:
        return f"it does not end with {embedding.path} and {embedding.info_path}"
    vector, info = parts[1][embedding.path], parts[1][embedding.info_path]
    if info.get("model") != model:
        return f"the vector is of {info.get('model')}, not of {model}"
    if info.get("text_hash") != expected_text_hash:
        return "the vector is of another text"
    if expected_text_hash == text_hash(""):
        is_none = vector is None and info.get("dimensions") == 0 and info.get("norm") == 0.0
        return None if is_none else "there is a vector of an empty text"
    return _vector_problem(vector or [], info, embedding)


def _vector_problem(vector: list[Any], info: Mapping[str, Any], embedding: Embedding) -> str | None:
    said, dimensions = info.get("norm"), info.get("dimensions")
    if not len(vector) == dimensions == embedding.dimensions:
        return f"the vector has {len(vector)} dimensions and says {dimensions}, not {embedding.dimensions}"
    if not all(isinstance(one, float) for one in vector):
        return "the vector holds something that is no double"
    norm = float(np.linalg.norm(vector))
    if not isinstance(said, float) or not abs(norm - said) <= NORM_TOLERANCE or not abs(norm - 1) <= NORM_TOLERANCE:
        return f"the norm of the vector is {norm:.6f} and said to be {said}, not 1"
    return None
