"""A table of events with an embedding, its rows, and a run that loads them: what the tests of this folder share."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import Any

from bson.raw_bson import RawBSONDocument
from pymongo.collection import Collection

from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import EmbeddingCounts, Enriched, Enricher
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.spec.shorthand import double, integer, json_object, text
from atlas_pipeline.spec.storage import Embedding, VectorIndex
from atlas_pipeline.spec.tables import TableSpec

EMBEDDING = Embedding(
    dimensions=384,
    columns=("metric", "score"),
    objects=("evidence",),
    index=VectorIndex(name="by_meaning", similarity="cosine", filters=("team",)),
)
EVENTS = TableSpec(
    source="events",
    collection="events",
    key=("id",),
    columns=(
        text("id", 36),
        integer("team"),
        text("metric", nullable=True),
        double("score", nullable=True),
        json_object("evidence", nullable=True),
    ),
    embedding=EMBEDDING,
)
Row = tuple[Any, ...]
_METRICS = ("declined payments", "logins per hour", "average basket", "new devices", "chargebacks", "refund ratio")
_KEYS = ("mad", "period", "changepoint_index", "mu", "std", "delta", "threshold", "contamination")


def event(number: int, *, metric: str | None = "logins", score: float | None = 1.5, evidence: object = None) -> Row:
    """A row; team 0 or 1 by its number."""
    return (f"event-{number:05}", number % 2, metric, score, None if evidence is None else json.dumps(evidence))


def events(count: int, *, seed: int = 7) -> list[Row]:
    """Rows whose texts all differ."""
    numbers = random.Random(seed)
    return [
        event(
            number,
            metric=numbers.choice(_METRICS),
            score=number + numbers.random(),
            evidence={key: round(numbers.random() * 100, 3) for key in numbers.sample(_KEYS, 4)} | {"trend": [1, 2]},
        )
        for number in range(count)
    ]


def mapped(rows: Sequence[Row], table: TableSpec = EVENTS) -> list[bytes]:
    """The canonical documents of rows that are all good."""
    batch = Mapper(table).map_batch(rows)
    assert len(batch.documents) == len(rows), batch.rejects
    return batch.documents


def load(collection: Collection[Any], enricher: Enricher, rows: Sequence[Row], *, batch: int = 500) -> EmbeddingCounts:
    """Let the collection hold these rows with their vectors, as a reload does."""
    collection.delete_many({})
    counts = EmbeddingCounts()
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        enriched = enricher.enrich(part, mapped(part))
        collection.insert_many(map(RawBSONDocument, enriched.documents))
        counts += enriched.counts
    return counts


def enrich(embedder: Embedder, cache: Any, rows: Sequence[Row]) -> Enriched:
    """One batch of rows with their vectors."""
    return Enricher(EVENTS, embedder, cache).enrich(rows, mapped(rows))


def stored(collection: Collection[Any], keys: Iterable[str]) -> list[bytes]:
    """The bytes of documents on the server."""
    return [b"".join(collection.find_raw_batches({"_id": key})) for key in keys]
