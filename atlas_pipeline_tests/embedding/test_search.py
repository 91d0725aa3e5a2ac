"""Exact nearest neighbours."""

from __future__ import annotations

from typing import Any

import bson
import numpy as np
import pytest
from pymongo.database import Database

from atlas_pipeline.embedding.cache import EmbeddingCache
from atlas_pipeline.embedding.embedder import Embedder
from atlas_pipeline.embedding.enrich import Enricher
from atlas_pipeline.embedding.search import nearest, nearest_to
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline_tests.embedding.events import EMBEDDING, EVENTS, event, events, load

Db = Database[dict[str, Any]]


def test_a_planted_near_duplicate_is_the_nearest(database: Db, cache: EmbeddingCache, embedder: Embedder) -> None:
    rows = events(60)
    evidence = {"changepoint_index": 17.25, "mad": 3.5, "threshold": 88.0}
    rows += [
        event(900, metric="chargebacks", score=41.25, evidence=evidence),
        event(901, metric="chargebacks", score=41.26, evidence=evidence),
    ]
    load(database.events, Enricher(EVENTS, embedder, cache), rows)
    for asked, expected in (("event-00900", "event-00901"), ("event-00901", "event-00900")):
        found = nearest_to(database.events, asked, embedding=EMBEDDING, limit=3)
        assert found[0].id == expected
        assert 1 > found[0].score > found[1].score >= found[2].score
        assert asked not in {one.id for one in found}


def test_neighbours_are_those_of_a_plain_computation_over_all(
    database: Db, cache: EmbeddingCache, hashing: Embedder
) -> None:
    rows = events(2_600)
    load(database.events, Enricher(EVENTS, hashing, cache), rows, batch=1_300)
    asked = hashing.embed(["metric: refund ratio | score: 12.00"])[0]
    every = {one["_id"]: np.array(one["embedding"]) for one in database.events.find()}
    expected = sorted(every, key=lambda key: -float(every[key] @ asked))[:25]
    found = nearest(database.events, asked * 7, embedding=EMBEDDING, limit=25)
    assert [one.id for one in found] == expected
    assert [one.score for one in found] == pytest.approx([float(every[key] @ asked) for key in expected], abs=1e-6)


def test_a_filter_narrows_the_search(database: Db, cache: EmbeddingCache, hashing: Embedder) -> None:
    load(database.events, Enricher(EVENTS, hashing, cache), events(40))
    found = nearest_to(database.events, "event-00000", embedding=EMBEDDING, limit=100, filter={"team": 1})
    assert {one.id for one in found} == {f"event-{number:05}" for number in range(1, 40, 2)}


def test_ties_come_in_the_order_of_the_ids_however_they_were_inserted(database: Db) -> None:
    vector = [0.6, 0.8] + [0.0] * 382
    for start in (1_500, 0):
        database.events.insert_many(
            [{"_id": f"{number:05}", "embedding": vector} for number in range(start, start + 1_500)]
        )
    found = nearest(database.events, np.array(vector), embedding=EMBEDDING, limit=5)
    assert [one.id for one in found] == [f"{number:05}" for number in range(5)]
    assert {one.score for one in found} == {1.0}


def test_documents_without_a_vector_of_that_length_are_left_out(database: Db) -> None:
    good = [1.0] + [0.0] * 383
    database.events.insert_many(
        [
            {"_id": "null", "embedding": None},
            {"_id": "none"},
            {"_id": "short", "embedding": good[:-1]},
            {"_id": "text", "embedding": "1.0"},
            {"_id": {"a": 1, "b": bson.Int64(2)}, "embedding": good},
            {"_id": "integers", "embedding": [0, 2] + [0] * 382},
            {"_id": "zero", "embedding": [0.0] * 384},
        ]
    )
    found = nearest(database.events, np.array(good), embedding=EMBEDDING)
    assert [(one.id, one.score) for one in found] == [({"a": 1, "b": 2}, 1.0), ("zero", 0.0), ("integers", 0.0)]


def test_an_empty_collection_has_no_neighbours(database: Db) -> None:
    assert nearest(database.events, np.ones(384), embedding=EMBEDDING) == []


@pytest.mark.parametrize("wrong", [np.zeros(384), np.ones(383), np.full(384, np.nan), np.ones((1, 384))])
def test_a_vector_that_cannot_be_searched_for_is_refused(database: Db, wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="cannot be searched for"):
        nearest(database.events, wrong, embedding=EMBEDDING)


def test_asking_for_a_document_that_is_not_there_or_has_no_vector_names_it(database: Db) -> None:
    database.events.insert_one({"_id": "bare", "embedding": None})
    with pytest.raises(ConfigurationError, match="holds no document 'gone'"):
        nearest_to(database.events, "gone", embedding=EMBEDDING)
    with pytest.raises(ConfigurationError, match="'bare' has no vector"):
        nearest_to(database.events, "bare", embedding=EMBEDDING)
