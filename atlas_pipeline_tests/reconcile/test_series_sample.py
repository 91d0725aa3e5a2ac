"""The sample of a time series is compared with what one scan has kept of it, and says what is still to be written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.load import series_held
from atlas_pipeline.load.series_load import SeriesLoad
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.reconcile.recorded_keys import compare_recorded_keys
from atlas_pipeline.reconcile.sample import SampleComparison, SampleKeys, compare_sample
from atlas_pipeline_tests.load.small import EVENTS, World, changed, events

ROWS = 300
BAD = ("event-x", None, "z", None, None, 1, None)


@pytest.fixture
def world(mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path) -> Iterator[World]:
    """A source file and databases of this test's own on the session's server."""
    made = World(uri=mongo_server.uri, folder=tmp_path, client=mongo_client)
    yield made
    made.drop()


def compared(world: World, *, touch: bool = False) -> SampleComparison:
    """The comparison of a sample that is the whole small table, and then publish; `touch` changes what was kept."""
    with world.loading(EVENTS) as load:
        assert isinstance(load, SeriesLoad)
        keys = SampleKeys(EVENTS, source_rows=load.facts.source_rows, seed=1)
        load.copy(keys.observe)
        load.build(keys.keys())
        if touch:
            key, form = next(iter(load.held._forms.items()))
            load.held._forms[key] = form.replace(b"north", b"North").replace(b"south", b"South")
        found = compare_sample(
            keys, snapshot=load.snapshot, mapper=load.mapper, held=load.held, quarantine=load.quarantine
        )
        counted = compare_recorded_keys(load.snapshot, EVENTS, load.recorded_ranges, load.quarantine)
        assert (counted.matched, counted.missing, counted.extra) == (load.facts.loaded, 0, 0)
        load.publish()
    return found


def test_every_document_of_the_sample_is_compared_and_handed_on(world: World) -> None:
    world.write("events", [*events(ROWS), BAD, events(9)[8]])
    found = compared(world)
    assert (found.compared, found.pending, found.quarantined, found.differing) == (ROWS, 0, 2, {})
    assert sorted(found.documents, key=lambda one: str(one["_id"])) == world.series()


def test_a_document_that_differs_is_found_with_its_field(world: World) -> None:
    world.write("events", events(ROWS))
    (fields,) = compared(world, touch=True).differing.values()
    assert fields == ("meta",)


def test_what_publishing_is_going_to_write_is_pending_and_the_rest_is_compared(world: World) -> None:
    world.write("events", events(ROWS))
    world.reload(EVENTS)
    world.write("events", changed(events(ROWS), 7, number=-1))
    found = compared(world)
    assert (found.compared, found.pending, found.differing) == (ROWS - 1, 1, {})
    assert next(one["number"] for one in found.documents if one["_id"] == "event-00007") == -1
    assert compared(world).pending == 0


def test_documents_that_memory_does_not_hold_are_compared_by_their_fingerprint(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(series_held, "KEPT_BYTES", 1_000)
    world.write("events", events(ROWS))
    assert (compared(world).compared, compared(world).differing) == (ROWS, {})


def test_of_rows_with_the_same_key_the_one_that_was_loaded_is_compared(world: World) -> None:
    world.write("events", [*reversed(events(9)), ("event-00003", "2025-01-01 00:00:00", "z", "early", None, 99, None)])
    found = compared(world)
    assert (found.compared, found.quarantined, found.differing) == (9, 1, {})
