"""Documents with their vectors: what is computed, what is taken from the cache, and what is found wrong."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import bson
import numpy as np
import pytest
from numpy.typing import NDArray
from pymongo.database import Database

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder, make_embedder
from atlas_pipeline.embedding.enrich import EmbeddingCounts, Enricher, embedding_problem
from atlas_pipeline.embedding.layout import canonical_part
from atlas_pipeline.embedding.text import EmbeddingText, text_hash
from atlas_pipeline.errors import ConfigurationError, DataQualityError
from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES
from atlas_pipeline_tests.embedding.events import EMBEDDING, EVENTS, enrich, event, events, load, mapped, stored

Db = Database[dict[str, Any]]


def test_a_second_run_computes_nothing_and_writes_the_same_bytes(
    database: Db, cache: EmbeddingCache, embedder: Embedder
) -> None:
    rows = events(60)
    enricher = Enricher(EVENTS, embedder, cache)
    assert load(database.events, enricher, rows, batch=25) == EmbeddingCounts(computed=60)
    first = stored(database.events, [row[0] for row in rows])
    assert load(database.events, enricher, rows, batch=35) == EmbeddingCounts(cached=60)
    assert stored(database.events, [row[0] for row in rows]) == first


def test_changing_ten_texts_computes_ten(database: Db, cache: EmbeddingCache, embedder: Embedder) -> None:
    rows = events(60)
    enricher = Enricher(EVENTS, embedder, cache)
    load(database.events, enricher, rows)
    for position in range(0, 50, 5):
        rows[position] = event(position, metric="changed", score=float(position))
    assert load(database.events, enricher, rows) == EmbeddingCounts(computed=10, cached=50)


def test_changing_what_is_not_in_the_text_computes_nothing(cache: EmbeddingCache, hashing: Embedder) -> None:
    rows = events(20)
    enrich(hashing, cache, rows)
    moved = [(key, team + 5, *rest) for key, team, *rest in rows]
    assert enrich(hashing, cache, moved).counts == EmbeddingCounts(cached=20)


def test_another_embedder_computes_everything_anew(cache: EmbeddingCache, hashing: Embedder) -> None:
    enrich(hashing, cache, events(20))
    table = replace(EVENTS, embedding=replace(EMBEDDING, dimensions=64))
    other = Enricher(table, make_embedder("hashing", 64), cache).enrich(events(20), mapped(events(20)))
    assert other.counts == EmbeddingCounts(computed=20)


def test_repeated_texts_of_a_batch_are_computed_once(database: Db, cache: EmbeddingCache, hashing: Embedder) -> None:
    rows = [event(number, score=float(number % 3)) for number in range(30)]
    enriched = enrich(hashing, cache, rows)
    assert enriched.counts == EmbeddingCounts(computed=3, repeated=27)
    assert len({str(bson.decode(one)["embedding"]) for one in enriched.documents}) == 3
    assert database[COLLECTION].count_documents({}) == 3


def test_an_empty_text_gets_no_vector_and_the_others_stay_with_their_rows(
    cache: EmbeddingCache, hashing: Embedder
) -> None:
    rows = events(9)
    for position in (0, 4, 8):
        rows[position] = event(position, metric=None, score=None)
    enriched = enrich(hashing, cache, rows)
    assert enriched.counts == EmbeddingCounts(computed=6, empty=3)
    for position, (row, encoded) in enumerate(zip(rows, enriched.documents, strict=True)):
        document = bson.decode(encoded)
        assert document["_id"] == row[0]
        if position % 4:
            (text,) = EmbeddingText(EVENTS).texts([row])
            assert np.array_equal(np.array(document["embedding"], dtype=np.float32), hashing.embed([text])[0])
        else:
            assert document["embedding"] is None
            assert document["embedding_info"] == {
                "model": hashing.model,
                "text_hash": text_hash(""),
                "dimensions": 0,
                "norm": 0.0,
            }


def test_the_canonical_document_comes_back_from_the_server_without_its_vector(
    database: Db, cache: EmbeddingCache, hashing: Embedder
) -> None:
    rows = [*events(20), event(20, metric=None, score=None)]
    load(database.events, Enricher(EVENTS, hashing, cache), rows)
    found = stored(database.events, [row[0] for row in rows])
    assert [canonical_part(one, EVENTS) for one in found] == mapped(rows)


def test_info_says_model_text_dimensions_and_norm(cache: EmbeddingCache, embedder: Embedder) -> None:
    (encoded,) = enrich(embedder, cache, events(1)).documents
    document = bson.decode(encoded)
    assert list(document)[-2:] == ["embedding", "embedding_info"]
    info = document["embedding_info"]
    assert list(info) == ["model", "text_hash", "dimensions", "norm"]
    assert info["model"] == embedder.model
    assert [info["text_hash"]] == EmbeddingText(EVENTS).hashes(events(1))
    assert info["dimensions"] == len(document["embedding"]) == 384
    assert info["norm"] == pytest.approx(1, abs=1e-5)


def test_no_row_gives_no_document(cache: EmbeddingCache, hashing: Embedder) -> None:
    enriched = enrich(hashing, cache, [])
    assert (enriched.documents, enriched.counts) == ([], EmbeddingCounts())


def test_a_document_that_only_its_vector_makes_too_large_is_named(cache: EmbeddingCache, hashing: Embedder) -> None:
    rows = events(3)
    documents = mapped(rows)
    filling = MAX_DOCUMENT_BYTES - len(bson.encode(bson.decode(documents[1]) | {"filling": ""}))
    documents[1] = bson.encode(bson.decode(documents[1]) | {"filling": "x" * filling})
    assert len(documents[1]) == MAX_DOCUMENT_BYTES
    assert Enricher(EVENTS, hashing, cache).enrich(rows, documents).too_large == (1,)


def test_an_embedder_of_another_length_is_refused(cache: EmbeddingCache) -> None:
    with pytest.raises(ConfigurationError, match="events asks for vectors of 384"):
        Enricher(EVENTS, make_embedder("hashing", 100), cache)


class Wrong:
    """An embedder that breaks its promise."""

    model = "wrong"
    dimensions = 384

    def __init__(self, made: NDArray[Any]) -> None:
        self._made = made

    def embed(self, texts: list[str]) -> NDArray[Any]:
        return self._made


@pytest.mark.parametrize(
    "made",
    [
        np.zeros((2, 384), np.float32),
        np.full((2, 384), np.nan, np.float32),
        np.ones((1, 384), np.float32) / np.sqrt(np.float32(384)),
        np.ones((2, 384)) / np.sqrt(384),
    ],
    ids=["zero", "not a number", "one for two", "double precision"],
)
def test_what_is_no_unit_vector_per_text_stops_the_run_and_is_not_kept(
    database: Db, cache: EmbeddingCache, made: NDArray[Any]
) -> None:
    with pytest.raises(DataQualityError, match="wrong"):
        enrich(Wrong(made), cache, events(2))
    assert database[COLLECTION].count_documents({}) == 0


def _problem(document: dict[str, Any], row: Any, model: str) -> str | None:
    (expected,) = EmbeddingText(EVENTS).hashes([row])
    return embedding_problem(bson.encode(document), EMBEDDING, expected_text_hash=expected, model=model)


def test_a_right_vector_has_no_problem_nor_has_one_whose_last_bits_differ(
    cache: EmbeddingCache, embedder: Embedder
) -> None:
    rows = [*events(3), event(3, metric=None, score=None)]
    for row, encoded in zip(rows, enrich(embedder, cache, rows).documents, strict=True):
        document = bson.decode(encoded)
        assert _problem(document, row, embedder.model) is None
        if document["embedding"]:
            document["embedding"] = [number * (1 + 1e-6) for number in document["embedding"]]
            assert _problem(document, row, embedder.model) is None


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"embedding": None}, "0 dimensions"),
        ({"embedding": [0.0] * 384}, "norm"),
        ({"embedding": [1] * 384}, "no double"),
        ({"embedding": [float("nan")] * 384}, "norm"),
        ({"embedding": [1.0]}, "1 dimensions"),
        ({"info.model": "another"}, "is of another"),
        ({"info.text_hash": "0" * 32}, "another text"),
        ({"info.dimensions": 3}, "says 3"),
        ({"info.norm": 0.5}, "norm"),
        ({"info.norm": None}, "norm"),
        ({"more": 1}, "does not end"),
    ],
    ids=str,
)
def test_a_wrong_vector_is_told(cache: EmbeddingCache, hashing: Embedder, change: dict[str, Any], told: str) -> None:
    (row,) = events(1)
    document = bson.decode(enrich(hashing, cache, [row]).documents[0])
    for name, value in change.items():
        if name.startswith("info."):
            document["embedding_info"][name.removeprefix("info.")] = value
        else:
            document[name] = value
    assert told in str(_problem(document, row, hashing.model))


def test_a_vector_of_an_empty_text_is_told(cache: EmbeddingCache, hashing: Embedder) -> None:
    row = event(1, metric=None, score=None)
    document = bson.decode(enrich(hashing, cache, [row]).documents[0])
    document["embedding"] = [1.0] + [0.0] * 383
    assert "empty text" in str(_problem(document, row, hashing.model))
