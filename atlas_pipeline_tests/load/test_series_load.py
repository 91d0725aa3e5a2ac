"""A time series is loaded once, then compared, and only what differs is written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load import series_changes, series_update
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline_tests.load.small import EVENTS, StoppedError, World, changed, did, events, holds, stop

ROWS = 400
NEW = ("event-new", "2026-03-01 00:00:00.5", "west", None, None, 1, None)


@pytest.fixture
def loaded(world: World) -> LoadFacts:
    """What the first load of some rows did."""
    world.write("events", events(ROWS))
    return world.reload(EVENTS)


# --- the first load ---------------------------------------------------------------------------------------------------


def test_the_first_load_makes_a_time_series_with_the_options_of_the_spec(world: World, loaded: LoadFacts) -> None:
    (info,) = world.live.list_collections(filter={"name": "events"})
    assert info["type"] == "timeseries"
    options = {"timeField": "at", "metaField": "meta", "granularity": "seconds", "bucketMaxSpanSeconds": 3600}
    assert info["options"] == {"timeseries": options}
    assert (loaded.source_rows, loaded.loaded, loaded.quarantined) == (ROWS, ROWS, 0)
    assert did(loaded) == (ROWS, 0, 0, 0)
    assert holds(world, events(ROWS))
    published = world.ledger["tables"].find_one({"_id": "small.events"})
    assert (published["loading"], published["gap"], published["published"]["documents"]) == (None, None, ROWS)


def test_every_value_comes_back_with_its_type(world: World, loaded: LoadFacts) -> None:
    document = next(one for one in world.series() if one["_id"] == "event-00001")
    assert document == {
        "_id": "event-00001",
        "number": 1,
        "meta": {"zone": "north", "kind": "kind 1", "labels": {"a": {"x": -0.0, "y": None}, "z": [{"a": 2, "b": 1}]}},
        "at": datetime(2026, 1, 1, 0, 1, 0, 1000, tzinfo=UTC),
        "payload": {"a": {"k": [1, 2.0, 12345678901]}, "z": 1},
    }
    assert [type(value) for value in document["payload"]["a"]["k"][:2]] == [int, float]


def test_what_a_time_series_takes_is_told_beside_what_its_documents_take(world: World, loaded: LoadFacts) -> None:
    sizes = world.live.command("collStats", "events")
    assert (loaded.buckets, loaded.stored_bytes) == (sizes["timeseries"]["bucketCount"], sizes["size"])
    world.live["plain"].insert_many(world.series())
    assert loaded.document_bytes == world.live.command("collStats", "plain")["size"]


def test_indexes_that_must_be_there_before_readers_are_built_and_the_others_can_be(
    world: World, loaded: LoadFacts
) -> None:
    assert [index["name"] for index in world.live["events"].list_indexes()] == ["by_number"]


def test_an_empty_table_becomes_an_empty_time_series(world: World) -> None:
    world.write("events", [])
    assert world.reload(EVENTS).loaded == 0
    assert did(world.reload(EVENTS)) == (0, 0, 0, 0)


@pytest.mark.parametrize("moment", ["after_copy", "after_build"])
def test_a_first_load_that_is_not_published_leaves_nothing(world: World, moment: str) -> None:
    world.write("events", events(20))
    with pytest.raises(StoppedError):
        world.reload(EVENTS, run_id="stopped", **{moment: stop})  # type: ignore[arg-type]
    assert "events" not in world.live.list_collection_names()
    assert world.ledger["tables"].find_one({"_id": "small.events"})["loading"] is None
    assert world.run("stopped")["status"] == "failed"
    assert world.reload(EVENTS).recovered == []


def test_a_first_load_that_is_withheld_leaves_nothing(world: World) -> None:
    world.write("events", events(20))

    def withhold(load: Any) -> None:
        load.withhold(why="a blocking check failed")
        stop(load)

    with pytest.raises(StoppedError):
        world.reload(EVENTS, run_id="withheld", after_build=withhold)
    assert "events" not in world.live.list_collection_names()
    assert world.run("withheld")["status"] == "withheld"


def test_one_word_in_the_spec_makes_it_an_ordinary_collection(world: World) -> None:
    world.write("events", events(20))
    assert world.reload(replace(EVENTS, storage="plain")).loaded == 20
    assert world.live["events"].options() == {}
    assert list(world.live["events"].find_one())[:3] == ["_id", "number", "meta"]
    world.write("events", events(21))
    assert world.reload(replace(EVENTS, storage="plain")).loaded == 21


# --- the second load --------------------------------------------------------------------------------------------------


def test_the_second_load_writes_nothing(world: World, loaded: LoadFacts) -> None:
    before = world.buckets()
    world.live.command("profile", 2)
    facts = world.reload(EVENTS)
    world.live.command("profile", 0)
    assert world.live["system.profile"].distinct("op", {"appName": "atlas-pipeline"}) == ["command", "query"]
    commands = world.live["system.profile"].find({"op": "command"})
    assert {next(iter(one["command"])) for one in commands} <= {"aggregate", "listCollections", "dbStats", "profile"}
    assert world.buckets() == before
    assert (did(facts), facts.bytes_sent, facts.digest) == ((0, 0, 0, ROWS), 0, loaded.digest)


CHANGES: dict[str, tuple[list[Any], tuple[int, int, int, int]]] = {
    "a new row": ([*events(ROWS), NEW], (1, 0, 0, ROWS)),
    "a new row among the others": ([*events(ROWS), ("event-x", events(9)[8][1], *NEW[2:])], (1, 0, 0, ROWS)),
    "many new rows at the end": (events(ROWS + 300), (300, 0, 0, ROWS)),
    "a changed row": (changed(events(ROWS), 7, number=-1), (0, 1, 0, ROWS - 1)),
    "a row at another time": (changed(events(ROWS), 7, at="2025-01-01 00:00:00"), (0, 1, 0, ROWS - 1)),
    "a row of another meta value": (changed(events(ROWS), 7, kind="other"), (0, 1, 0, ROWS - 1)),
    "a row that lost its meta value": (changed(events(ROWS), 7, kind=None), (0, 1, 0, ROWS - 1)),
    "an int that became a long": (changed(events(ROWS), 7, number=2**40), (0, 1, 0, ROWS - 1)),
    "a deleted row": (events(ROWS)[:7] + events(ROWS)[8:], (0, 0, 1, ROWS - 1)),
    "rows deleted at the end": (events(ROWS)[:-60], (0, 0, 60, ROWS - 60)),
    "all at once": ([*changed(events(ROWS), 7, number=-1)[1:], NEW], (1, 1, 1, ROWS - 2)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_what_differs_is_changed(world: World, loaded: LoadFacts, name: str) -> None:
    rows, counts = CHANGES[name]
    before = world.buckets()
    world.write("events", rows)
    checked: list[bool] = []
    facts = world.reload(EVENTS, after_build=lambda _: checked.append(world.buckets() == before))
    assert checked == [True]  # nothing is written before the checks have passed
    assert (did(facts), facts.rebuilt) == (counts, False)
    assert holds(world, rows)
    assert did(world.reload(EVENTS)) == (0, 0, 0, len(rows))


def test_a_changed_row_rewrites_its_meta_group_and_no_other(world: World, loaded: LoadFacts) -> None:
    world.write("events", changed(events(ROWS), 7, number=-1))
    facts = world.reload(EVENTS)
    group = [row for row in events(ROWS) if row[2:5] == events(ROWS)[7][2:5]]
    assert (facts.meta_groups, facts.rewritten) == (1, len(group) - 1)
    numbers = world.live["system.buckets.events"].distinct("control.min.number", {"meta.kind": {"$ne": "kind 2"}})
    assert -1 not in numbers


def test_meta_values_that_only_a_server_cannot_tell_apart_are_rewritten_together(world: World) -> None:
    rows = [
        (f"event-{n}", f"2026-01-01 00:00:0{n}", "z", "k", labels, n, None) for n, labels in enumerate(("1", "1.0"))
    ]
    world.write("events", rows)
    world.reload(EVENTS)
    rows = changed(rows, 0, number=9)
    world.write("events", rows)
    facts = world.reload(EVENTS)
    assert (did(facts), facts.rewritten) == ((0, 1, 0, 1), 1)
    assert [type(one["meta"]["labels"]) for one in world.series()] == [int, float]


def test_a_time_series_that_differs_in_most_is_built_anew_with_its_indexes(
    world: World, loaded: LoadFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_update, "FEW", 10)
    world.live["events"].create_index([("meta.zone", 1), ("at", -1)], name="by_stranger")
    rows = [(*row[:5], row[5] + 1, row[6]) for row in events(ROWS)]
    world.write("events", rows)
    facts = world.reload(EVENTS)
    assert (facts.rebuilt, facts.carried_indexes) == (True, ["by_stranger"])
    assert did(facts) == (ROWS, 0, 0, 0)
    assert holds(world, rows)
    assert {index["name"] for index in world.live["events"].list_indexes()} == {"by_number", "by_stranger"}
    assert did(world.reload(EVENTS)) == (0, 0, 0, ROWS)


@pytest.mark.parametrize("limit", ["MOST_GROUPS", "MOST_LOCATED"])
def test_what_memory_would_not_hold_is_built_anew_too(
    world: World, loaded: LoadFacts, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(series_changes, limit, 1)
    rows = changed(changed(events(ROWS), 7, number=-1), 8, number=-1)
    world.write("events", rows)
    assert world.reload(EVENTS).rebuilt
    assert holds(world, rows)


def test_leaving_without_publishing_changes_nothing(world: World, loaded: LoadFacts) -> None:
    before = world.buckets()
    world.write("events", changed(events(ROWS), 7, number=-1))
    with pytest.raises(StoppedError):
        world.reload(EVENTS, after_build=stop)
    assert world.buckets() == before
    world.write("events", events(10))
    with pytest.raises(TargetError, match=r"shrink from 400 to 10 .*--force"):
        world.reload(EVENTS)
    assert world.buckets() == before


def test_a_document_that_is_there_twice_is_there_once_afterwards(world: World, loaded: LoadFacts) -> None:
    world.live["events"].insert_one(world.series()[7])
    facts = world.reload(EVENTS)
    assert (facts.deleted, facts.unchanged) == (1, ROWS)
    assert holds(world, events(ROWS))


def test_moments_before_1970_and_after_2038_are_compared_too(world: World) -> None:
    rows = [
        (f"event-{n}", f"{year:04}-06-01 00:00:00", "z", "k", None, n, None)
        for n, year in enumerate((1, 1000, 1969, 1970, 2037, 2039, 9999))
    ]
    world.write("events", rows)
    world.reload(EVENTS)
    assert did(world.reload(EVENTS)) == (0, 0, 0, 7)
    world.write("events", changed(rows[1:], 1, number=-1))
    assert did(world.reload(EVENTS)) == (0, 1, 1, 5)
    assert holds(world, changed(rows[1:], 1, number=-1))
