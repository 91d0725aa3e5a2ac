"""What the server itself can take: documents that are encoded already, inserted with nothing else to do.

The measure of every load. Documents are the canonical ones of the same table, in key order, into a collection of their
own without validator and indexes; threads share the batches. What does not belong here: loads.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from bson.raw_bson import RawBSONDocument

from atlas_pipeline.benchmarking.cost import Measured, measured
from atlas_pipeline.benchmarking.tasks import Workplace
from atlas_pipeline.errors import DataQualityError
from atlas_pipeline.mapping.lookups import read_lookups
from atlas_pipeline.mapping.mapper import Mapper

WRITERS = (1, 2, 4)
BATCHES = (1_000, 2_000, 5_000, 10_000)
TRIED = 100_000
"""Documents with which the number of writers and the size of a batch are chosen."""
COLLECTION = "limit"


@dataclass(frozen=True, slots=True)
class Way:
    """How documents are inserted: so many threads, so many documents in a command."""

    writers: int
    batch: int


def documents_of(place: Workplace) -> list[RawBSONDocument]:
    """All canonical documents of the table, in key order."""
    found: list[RawBSONDocument] = []
    with place.source.snapshot() as snapshot:
        mapper = Mapper(place.table, read_lookups(snapshot, place.table))
        for rows in snapshot.batches(place.table):
            found += map(RawBSONDocument, mapper.map_batch(rows).documents)
    return found


def best_way(place: Workplace, documents: Sequence[RawBSONDocument]) -> tuple[Way, dict[str, float]]:
    """The fastest way of all that are tried, and documents per second of each."""
    some = documents[:TRIED]
    rates = {way: len(some) / insert(place, some, way).cost.seconds for way in _ways(len(some))}
    told = {f"{way.writers} x {way.batch}": round(rate, 0) for way, rate in rates.items()}
    return max(rates, key=lambda way: rates[way]), told


def insert(place: Workplace, documents: Sequence[RawBSONDocument], way: Way) -> Measured[int]:
    """Insert documents into an empty collection. Raises DataQualityError when they are not all there afterwards."""
    database = place.target.database(place.catalog)
    database.drop_collection(COLLECTION)
    database.create_collection(COLLECTION)
    collection: Any = database[COLLECTION]
    batches = [documents[start : start + way.batch] for start in range(0, len(documents), way.batch)]

    def work() -> int:
        with ThreadPoolExecutor(way.writers, thread_name_prefix="atlas-writer") as pool:
            list(pool.map(lambda some: collection.insert_many(some, ordered=False), batches))
        return len(documents)

    done = measured(work, place.site.servers)
    there = collection.count_documents({})
    database.drop_collection(COLLECTION)
    if there != len(documents):
        raise DataQualityError(f"{len(documents):,} documents were inserted, {there:,} are there.", "run again")
    return done


def _ways(documents: int) -> Iterator[Way]:
    for writers in WRITERS:
        for batch in BATCHES:
            if batch * writers <= max(documents, BATCHES[0]):
                yield Way(writers, batch)
