"""Repairing a time series: by the load that rewrites it in place, and looked at again."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.errors import TargetError
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.corrections import FOREIGN
from atlas_pipeline_tests.load.small import EVENTS, World, events
from atlas_pipeline_tests.reconcile.repairing import change, did, repair, verify


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """Events that are published, and a source and databases of this test's own."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    made.write("events", events(300))
    made.reload(EVENTS)
    yield made
    made.drop()


def foreign(world: World) -> None:
    """A document that the pipeline never loaded."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    world.live["events"].insert_one({"_id": "foreign", "at": at, "meta": {"zone": "of another program"}})


def test_what_differs_is_rewritten_and_then_equal(world: World) -> None:
    change(world, "UPDATE events SET number = -1 WHERE id = 'event-00007'")
    change(world, "DELETE FROM events WHERE id = 'event-00009'")
    change(world, "INSERT INTO events VALUES ('new', '2026-01-01 00:00:00.000', 'north', 'kind', NULL, 5, NULL)")
    change(world, "INSERT INTO events VALUES ('bad', 'some day', 'north', 'kind', NULL, 5, NULL)")
    assert verify(world, EVENTS).tally.differences == 4
    assert did(repair(world, EVENTS)) == (1, 1, 1, 1, 0)
    assert verify(world, EVENTS).strictly_equal
    assert world.quarantined() == [(["bad"], "at", "not_date")]
    buckets = world.buckets()
    assert did(repair(world, EVENTS)) == (0, 0, 0, 0, 0)
    assert world.buckets() == buckets


def test_what_was_put_right_meanwhile_rewrites_nothing(world: World) -> None:
    change(world, "UPDATE events SET number = -1 WHERE id = 'event-00007'")
    verify(world, EVENTS)
    world.reload(EVENTS)
    buckets = world.buckets()
    repaired = repair(world, EVENTS)
    assert (repaired.already_equal, did(repaired)) == (1, (0, 0, 0, 0, 0))
    assert world.buckets() == buckets


def test_a_row_without_a_key_is_accounted_for_by_the_load(world: World) -> None:
    change(world, "INSERT INTO events VALUES (NULL, '2026-01-01 00:00:00.000', 'north', 'kind', NULL, 5, NULL)")
    assert verify(world, EVENTS).tally.differences == 1
    assert did(repair(world, EVENTS)) == (0, 0, 0, 1, 0)
    assert world.quarantined() == [([None], "id", "null_value")]
    assert verify(world, EVENTS).strictly_equal


def test_foreign_documents_alone_are_left_and_named(world: World) -> None:
    foreign(world)
    verify(world, EVENTS)
    buckets = world.buckets()
    repaired = repair(world, EVENTS)
    assert did(repaired) == (0, 0, 0, 0, 1)
    assert [one["why"] for one in repaired.left_as_json()] == [FOREIGN]
    assert world.buckets() == buckets


def test_foreign_documents_stop_the_rewriting_of_others_unless_they_may_go(world: World) -> None:
    foreign(world)
    change(world, "UPDATE events SET number = -1 WHERE id = 'event-00007'")
    verify(world, EVENTS)
    with pytest.raises(TargetError, match="1 foreign documents"):
        repair(world, EVENTS)
    assert did(repair(world, EVENTS, delete_foreign=True)) == (0, 1, 1, 0, 0)
    assert verify(world, EVENTS).strictly_equal
    published = world.ledger["tables"].find_one({"_id": "small.events"})["published"]
    assert published["spec"] == EVENTS.fingerprint  # what was let go does not change what the table is
