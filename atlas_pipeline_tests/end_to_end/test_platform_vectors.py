"""Vectors through the whole way of a table: each text is embedded once, and what is alike is found."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import bson
import pytest
from pymongo.collection import Collection

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.embedding.hashing import HashingEmbedder
from atlas_pipeline.embedding.layout import canonical_part
from atlas_pipeline.embedding.search import nearest_to
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.hard_anomalies import NEAR_DUPLICATES
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline_tests.end_to_end.platform_states import RAW, SMALL, opened, sync_all
from atlas_pipeline_tests.postgres import empty_database

NAME = "anomaly_events"
CHANGED = 10


@dataclass
class Story:
    """Three runs over the events: the first, one of an unchanged source, one after ten events have changed.

    Attributes:
        events: The live collection.
        origins: Where the vectors of each run came from.
        before: Documents by `_id` after the first run.
        same: The same after the second.
        after: The same after the third.
        changed: Ids of the changed events.
    """

    events: Collection[dict[str, Any]]
    origins: list[dict[str, int]]
    before: dict[str, bytes]
    same: dict[str, bytes]
    after: dict[str, bytes]
    changed: set[str]


@pytest.fixture(scope="module")
def story(
    mongo_server: MongoServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    catalog = replace(INVESTIGATION_PLATFORM, database="platform_vectors")
    state = tmp_path_factory.mktemp("vectors")
    with empty_database(postgres_server) as url, Target(mongo_server.uri) as target:
        write_platform_sample(url, size=SMALL)
        events = target.database(catalog)[NAME]

        def run() -> tuple[dict[str, int], dict[str, bytes]]:
            facts = sync_all(target, catalog, url, state, only=[NAME])[NAME]
            assert sum(facts.vectors.values()) == facts.inserted + facts.replaced
            stored: Any = events.with_options(codec_options=RAW).find({})
            return dict(facts.vectors), {document["_id"]: bytes(document.raw) for document in stored}

        try:
            first, before = run()
            second, same = run()
            with opened(url) as connection:
                changed = connection.execute(
                    "UPDATE anomaly_events SET observed = observed + 1 WHERE id::text IN (SELECT min(id::text) "
                    "FROM anomaly_events WHERE observed BETWEEN 1 AND 1000 GROUP BY metric, observed, expected, score "
                    f"HAVING count(*) = 1 ORDER BY 1 LIMIT {CHANGED}) RETURNING id::text"
                ).fetchall()
            third, after = run()
            yield Story(events, [first, second, third], before, same, after, {found for (found,) in changed})
        finally:
            for database in (catalog.database, catalog.pipeline_database):
                target.client.drop_database(database)


def test_the_first_run_embeds_each_text_once(story: Story) -> None:
    texts = {bson.decode(document)["embedding_info"]["text_hash"] for document in story.before.values()}
    assert story.origins[0]["computed"] == len(texts)


def test_a_second_run_asks_for_no_embedding_and_changes_not_one_byte(story: Story) -> None:
    assert story.origins[1] == {}
    assert story.same == story.before


def test_ten_changed_events_are_ten_embeddings(story: Story) -> None:
    assert len(story.changed) == CHANGED
    assert story.origins[2] == {"computed": CHANGED}
    assert {key for key, document in story.after.items() if document != story.before[key]} == story.changed


def test_every_document_says_what_made_its_vector_and_of_what_length_it_is(story: Story) -> None:
    for document in map(bson.decode, story.after.values()):
        assert list(document)[-2:] == ["embedding", "embedding_info"]
        assert document["embedding_info"]["model"] == HashingEmbedder(384).model
        assert "no model" in document["embedding_info"]["model"]
        assert len(document["embedding"]) == document["embedding_info"]["dimensions"] == 384


def test_the_vector_follows_the_canonical_document_and_is_no_part_of_it(story: Story) -> None:
    table = INVESTIGATION_PLATFORM.table(NAME)
    for raw in story.after.values():
        assert list(bson.decode(canonical_part(raw, table))) == list(bson.decode(raw))[:-2]


@pytest.mark.parametrize("pair", range(len(NEAR_DUPLICATES)))
def test_the_nearest_neighbour_of_a_planted_near_duplicate_is_its_twin(story: Story, pair: int) -> None:
    embedding = INVESTIGATION_PLATFORM.table(NAME).embedding
    assert embedding is not None
    one, other = NEAR_DUPLICATES[pair]
    for asked, wanted in ((one, other), (other, one)):
        assert nearest_to(story.events, asked, embedding=embedding, limit=1)[0].id == wanted
