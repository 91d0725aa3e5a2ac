"""The cache of vectors, on a real server."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from bson.binary import Binary
from pymongo.database import Database
from pymongo.errors import OperationFailure

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache, Vector
from atlas_pipeline.embedding.text import text_hash
from atlas_pipeline.errors import TargetError
from atlas_pipeline_tests.load.faults import failing

MODEL = "a model"


def _vectors(count: int, *, dimensions: int = 8, first: int = 0) -> dict[str, Vector]:
    made = np.random.default_rng(1).normal(size=(count, dimensions)).astype(np.float32)
    made /= np.linalg.norm(made, axis=1, keepdims=True)
    return {text_hash(str(first + number)): vector for number, vector in enumerate(made)}


def test_what_was_kept_is_found_again_to_the_bit(cache: EmbeddingCache) -> None:
    vectors = _vectors(2_500)
    stored = cache.put(MODEL, vectors)
    assert (stored.inserted, stored.present) == (2_500, 0)
    found = cache.get(MODEL, 8, [*vectors, text_hash("unknown")])
    assert {name: one.tobytes() for name, one in found.items()} == {n: one.tobytes() for n, one in vectors.items()}


def test_vectors_of_another_model_or_length_are_not_found(cache: EmbeddingCache) -> None:
    cache.put(MODEL, _vectors(3))
    assert cache.get("another model", 8, _vectors(3)) == {}
    assert cache.get(MODEL, 9, _vectors(3)) == {}


def test_two_writers_of_the_same_texts_keep_each_once_and_count_right(cache: EmbeddingCache) -> None:
    with ThreadPoolExecutor(4) as pool:
        stored = list(pool.map(lambda _: cache.put(MODEL, _vectors(3_000)), range(4)))
    assert sum(one.inserted for one in stored) == 3_000
    assert sum(one.present for one in stored) == 9_000
    assert len(cache.get(MODEL, 8, _vectors(3_000))) == 3_000


@pytest.mark.parametrize(
    "damage", [Binary(b"short"), Binary(np.zeros(8, "<f4").tobytes()), Binary(np.full(8, np.nan, "<f4").tobytes())]
)
def test_a_damaged_entry_is_removed_and_not_used(
    cache: EmbeddingCache, database: Database[dict[str, Any]], damage: Binary
) -> None:
    vectors = _vectors(3)
    cache.put(MODEL, vectors)
    broken = next(iter(vectors))
    database[COLLECTION].update_one({"_id.text_hash": broken}, {"$set": {"vector": damage}})
    assert broken not in cache.get(MODEL, 8, vectors)
    assert cache.put(MODEL, {broken: vectors[broken]}).inserted == 1
    assert len(cache.get(MODEL, 8, vectors)) == 3


def test_what_was_not_used_is_forgotten_and_what_was_used_stays(
    cache: EmbeddingCache, database: Database[dict[str, Any]]
) -> None:
    cache.put(MODEL, _vectors(10))
    long_ago = datetime.now(UTC) - timedelta(days=30)
    database[COLLECTION].update_many({}, {"$set": {"used": long_ago}})
    used = list(_vectors(4))
    cache.get(MODEL, 8, used)
    assert cache.forget_unused(long_ago) == 0
    assert cache.forget_unused(datetime.now(UTC)) == 6
    assert sorted(cache.get(MODEL, 8, _vectors(10))) == sorted(used)


def test_another_refusal_than_a_repeated_key_is_an_error(
    cache: EmbeddingCache, database: Database[dict[str, Any]]
) -> None:
    database.create_collection(COLLECTION, validator={"used": {"$lt": datetime(2000, 1, 1, tzinfo=UTC)}})
    with pytest.raises(TargetError, match="code 121"):
        cache.put(MODEL, _vectors(3))


def test_an_error_of_the_server_is_not_taken_for_an_empty_cache(
    cache: EmbeddingCache, database: Database[dict[str, Any]]
) -> None:
    with failing(database.client, ["find"], errorCode=13), pytest.raises(OperationFailure):
        cache.get(MODEL, 8, [text_hash(uuid.uuid4().hex)])
