"""What a load into a time series does not take, and what it does not touch: rows, documents and collections."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from atlas_pipeline.errors import DataQualityError, TargetError
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.series_form import LARGEST_DOCUMENT
from atlas_pipeline.spec.storage import TimeSeries
from atlas_pipeline_tests.load.small import EVENTS, World, changed, did, events, holds, policy

ROWS = 200
DELETE = policy(EVENTS, foreign_documents="delete")


@pytest.fixture
def loaded(world: World) -> LoadFacts:
    """What the first load of some rows did."""
    world.write("events", events(ROWS))
    return world.reload(EVENTS)


# --- rows that find no place ------------------------------------------------------------------------------------------


def test_of_rows_with_the_same_key_the_earliest_stays(world: World) -> None:
    late = ("event-00003", "2027-01-01 00:00:00", "z", "late", None, 99, None)
    early = ("event-00005", "2025-01-01 00:00:00", "z", "early", None, 99, None)
    world.write("events", [late, *events(8), early])
    facts = world.reload(EVENTS)
    assert (facts.source_rows, facts.duplicate_keys, facts.loaded, facts.quarantined) == (10, 4, 8, 2)
    assert holds(world, [row for row in events(8) if row[0] != "event-00005"] + [early])
    assert world.quarantined() == [
        (["event-00003"], "id", "duplicate_value"),
        (["event-00005"], "id", "duplicate_value"),
    ]
    assert did(world.reload(EVENTS)) == (0, 0, 0, 8)


def test_a_row_without_a_time_goes_to_quarantine(world: World) -> None:
    world.write("events", [*events(3), ("event-x", None, "z", None, None, 1, None)])
    assert (world.reload(EVENTS).loaded, world.quarantined()) == (3, [(["event-x"], "at", "null_value")])


def test_a_document_that_no_bucket_holds_goes_to_quarantine_and_the_largest_one_is_loaded(world: World) -> None:
    empty = len(_payload(0))
    around = len(b"") + 200
    fits = ("event-x", "2026-01-01 00:00:00", "z", None, None, 1, _payload(LARGEST_DOCUMENT - empty - around))
    large = ("event-y", "2026-01-01 00:00:00", "z", None, None, 1, _payload(LARGEST_DOCUMENT))
    world.write("events", [*events(3), fits, large])
    facts = world.reload(EVENTS)
    assert (facts.loaded, world.quarantined()) == (4, [(["event-y"], "payload", "too_large")])
    assert did(world.reload(EVENTS)) == (0, 0, 0, 4)


def _payload(size: int) -> str:
    return f'{{"text": "{"x" * size}"}}'


# --- what somebody else made ------------------------------------------------------------------------------------------


def test_foreign_documents_stop_the_load_are_listed_and_nothing_is_changed(world: World, loaded: LoadFacts) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    foreign = [{"_id": f"app-{n:02}", "at": at + timedelta(hours=n), "meta": {"kind": "app"}} for n in range(25)]
    world.live["events"].insert_many([*foreign, {"_id": 7, "at": at}])
    before = world.buckets()
    with pytest.raises(TargetError) as refused:
        world.reload(EVENTS, run_id="refused")
    message = str(refused.value)
    assert "events holds 26 foreign documents" in message
    assert "'app-00'" in message
    assert "and 6 more" in message
    assert "'keep'" not in refused.value.cure
    assert world.buckets() == before
    assert "foreign" in world.run("refused")["error"]
    facts = world.reload(DELETE)
    assert (facts.deleted, facts.unchanged) == (26, ROWS)
    assert holds(world, events(ROWS))


def test_a_foreign_document_that_comes_between_check_and_publishing_is_not_removed(
    world: World, loaded: LoadFacts
) -> None:
    group = next(one["meta"] for one in world.series() if one["_id"] == "event-00007")
    world.write("events", changed(events(ROWS), 7, number=-1))

    def as_application(_load: Any) -> None:
        world.live["events"].insert_one({"_id": "app", "at": datetime(2026, 1, 1, tzinfo=UTC), "meta": group})

    with pytest.raises(TargetError, match=r"1 foreign documents.*'app'"):
        world.reload(EVENTS, after_build=as_application)
    assert {one["_id"]: one.get("number") for one in world.series()}.items() >= {"app": None, "event-00007": 7}.items()


def test_documents_of_a_time_series_that_this_pipeline_never_published_stay(world: World) -> None:
    assert EVENTS.time_series is not None
    world.live.create_collection("events", timeseries=EVENTS.time_series.options())
    world.live["events"].insert_one({"_id": "a", "at": datetime(2026, 1, 1, tzinfo=UTC)})
    world.write("events", events(3))
    before = world.buckets()
    with pytest.raises(TargetError, match=r"never published it.*Cure: drop or rename"):
        world.reload(EVENTS)
    assert world.buckets() == before
    assert world.reload(DELETE).loaded == 3
    assert holds(world, events(3))


def test_an_empty_time_series_that_somebody_prepared_is_used(world: World) -> None:
    assert EVENTS.time_series is not None
    world.live.create_collection("events", timeseries=EVENTS.time_series.options())
    world.write("events", events(3))
    assert did(world.reload(EVENTS)) == (3, 0, 0, 0)


def test_an_ordinary_collection_of_that_name_is_refused(world: World) -> None:
    world.live["events"].insert_one({"_id": 1})
    world.write("events", events(3))
    with pytest.raises(TargetError, match=r"events is a collection, and the spec wants a time series.*Cure: drop"):
        world.reload(DELETE)
    assert world.live["events"].find_one() == {"_id": 1}
    world.reload(replace(EVENTS, storage="plain", sync=DELETE.sync))
    with pytest.raises(TargetError, match="events is a collection"):
        world.reload(EVENTS)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"granularity": "hours"}, "granularity='hours'"),
        ({"metaField": "number"}, "metaField='number'"),
        ({"timeField": "when"}, "timeField='when'"),
    ],
)
def test_a_time_series_of_other_options_is_refused(world: World, options: dict[str, str], told: str) -> None:
    assert EVENTS.time_series is not None
    world.live.create_collection("events", timeseries={**EVENTS.time_series.options(), **options})
    world.write("events", events(3))
    with pytest.raises(TargetError, match=rf"other options \({told}\).*Cure: drop or rename"):
        world.reload(DELETE)


def test_a_time_series_whose_documents_expire_is_refused(world: World, loaded: LoadFacts) -> None:
    world.live.command("collMod", "events", expireAfterSeconds=10**9)
    with pytest.raises(TargetError, match=r"expireAfterSeconds=1000000000.*collMod"):
        world.reload(EVENTS)


def test_a_time_series_is_not_replaced_by_an_ordinary_collection(world: World, loaded: LoadFacts) -> None:
    with pytest.raises(TargetError, match="events is a timeseries; a reload cannot replace it"):
        world.reload(replace(EVENTS, storage="plain"))
    assert world.live["events"].drop() is None
    assert world.reload(replace(EVENTS, storage="plain")).loaded == ROWS


def test_a_time_series_that_is_gone_is_loaded_again(world: World, loaded: LoadFacts) -> None:
    world.live["events"].drop()
    assert did(world.reload(EVENTS)) == (ROWS, 0, 0, 0)


def test_a_time_series_that_goes_while_it_is_compared_stops_the_load(world: World, loaded: LoadFacts) -> None:
    with pytest.raises(TargetError, match="dropped or replaced"):
        world.reload(EVENTS, after_build=lambda _: world.live["events"].drop())


def test_an_error_of_making_it_is_not_taken_for_one_that_is_there_already(world: World) -> None:
    world.write("events", events(3))
    wrong = replace(EVENTS, time_series=TimeSeries(time_field="at", meta_field="meta", granularity="seconds"))
    assert wrong.time_series is not None
    object.__setattr__(wrong.time_series, "granularity", "days")
    with pytest.raises(TargetError, match="refused a command: BadValue"):
        world.reload(wrong, run_id="failed")
    assert world.run("failed")["status"] == "failed"
    with pytest.raises(OperationFailure, match="days"):
        world.live.create_collection("other", timeseries=wrong.time_series.options())


@pytest.mark.parametrize("change", ["added", "removed"])
def test_a_first_load_that_somebody_touches_is_stopped(world: World, change: str) -> None:
    world.write("events", events(50))

    def touch(_load: Any) -> None:
        if change == "removed":
            assert world.live["events"].delete_many({"meta.kind": "kind 1"}).deleted_count == 10
        else:
            world.live["events"].insert_one({"_id": "x", "at": datetime(2026, 1, 1, tzinfo=UTC)})

    with pytest.raises(DataQualityError, match="not the bytes that were sent"):
        world.reload(EVENTS, after_copy=touch)
    assert "events" not in world.live.list_collection_names()
