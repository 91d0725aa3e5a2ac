"""Collections of the investigation platform as a sync leaves them, small, and without a source.

What belongs here: rows, their way through the catalog's mapper, and what a collection has beside documents. What does
not: what is measured on them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from bson.raw_bson import RawBSONDocument

from atlas_pipeline.embedding.cache import EmbeddingCache
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.embedding.hashing import HashingEmbedder
from atlas_pipeline.load import indexes
from atlas_pipeline.load.target import Target
from atlas_pipeline.load.validators import wanted_options
from atlas_pipeline.mapping.lookups import Lookups
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline_tests.catalogs.platform_rows import GOOD, MORNING

INVESTIGATIONS, EVENTS = "investigations", "anomaly_events"
OWNERS = ("ines.garcia", "tom.berg", "auto-comparison-system")
STATUSES = ("CREATED", "IN_PROGRESS", "COMPLETED", "ERROR")


def migrate(target: Target, catalog: CatalogSpec, *, investigations: int = 130, events: int = 30) -> None:
    """Let the two collections hold so many documents, with validator, indexes and vectors."""
    _fill(target, catalog, INVESTIGATIONS, map(_investigation, range(investigations)))
    _fill(target, catalog, EVENTS, map(_event, range(events)))


def _fill(target: Target, catalog: CatalogSpec, name: str, changes: Iterable[Mapping[str, Any]]) -> None:
    table = catalog.table(name)
    rows = [tuple({**GOOD[name], **one}[column] for column in table.column_names) for one in changes]
    batch = Mapper(table, Lookups(joined={})).map_batch(rows)
    assert batch.rejects == []
    documents = batch.documents
    if table.embedding is not None:
        cache = EmbeddingCache(target.pipeline_database(catalog)["embeddings"])
        documents = (
            Enricher(table, HashingEmbedder(table.embedding.dimensions), cache).enrich(rows, documents).documents
        )
    collection = target.database(catalog).create_collection(name, **wanted_options(table))
    if documents:
        collection.insert_many(map(RawBSONDocument, documents))
    indexes.ensure(collection, table.indexes, comment="a test")


def _investigation(number: int) -> dict[str, Any]:
    return {
        "investigation_id": f"case-{number:04}",
        "user_id": OWNERS[number % len(OWNERS)],
        "status": STATUSES[number % len(STATUSES)],
        "created_at": MORNING + timedelta(hours=7 * number),
        "version": 1 + number % 5,
    }


def _event(number: int) -> dict[str, Any]:
    return {"id": f"event-{number:04}", "observed": 10.0 + number, "score": 4.0 + number / 7}
