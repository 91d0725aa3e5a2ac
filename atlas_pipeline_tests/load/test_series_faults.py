"""Kills, lost connections and lost replies while a time series is loaded or changed: no document is there twice or not
at all afterwards.
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from atlas_pipeline.errors import DataQualityError, LeaseHeldError, TargetError, TargetUnavailableError
from atlas_pipeline.extract import batching
from atlas_pipeline.load import transient
from atlas_pipeline_tests.load.faults import failing, held, held_operations
from atlas_pipeline_tests.load.lossy import LossyProxy, lossy_proxy
from atlas_pipeline_tests.load.reload_once import reloading
from atlas_pipeline_tests.load.small import EVENTS, World, changed, did, events, holds
from atlas_pipeline_tests.waiting import wait_until

DEAD = "dead"
ROWS = 2_100  # two batches
FEW = 500
_WRITE_CONCERN_TIMEOUT = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication timed out"}
NEW = ("event-new", "2026-03-01 00:00:00.5", "west", None, None, 1, None)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of few rows, and retries without a pause."""
    monkeypatch.setattr(batching, "BATCH_ROWS", 200)
    monkeypatch.setattr(transient, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(transient, "JITTER_SECONDS", 0)


@contextmanager
def _held_in(world: World, phase: str, command: str, on: str, skip: int = 0) -> Iterator[subprocess.Popen[str]]:
    """A process that is held there in its load."""
    namespace = on.format(database=world.database)
    with (
        held(world.client, command, skip=skip, namespace=namespace) as waiting,
        reloading(world, DEAD, "events") as process,
    ):
        waiting.wait()
        assert process.poll() is None
        assert world.run(DEAD)["phase"] == phase
        yield process


def _state(world: World) -> dict[str, Any]:
    return dict(world.ledger["tables"].find_one({"_id": "small.events"}))


# --- kill -9 ----------------------------------------------------------------------------------------------------------

FIRST_LOAD = {
    "before it is made": ("read", "create", "{database}.events"),
    "in the second batch": ("load", "insert", "{database}.events", 1),
    "while it is read back": ("check", "find", "{database}.events"),
}


@pytest.mark.parametrize("name", FIRST_LOAD)
def test_a_first_load_that_is_killed_is_begun_again_by_the_next_run(world: World, name: str) -> None:
    world.write("events", events(ROWS))
    with _held_in(world, *FIRST_LOAD[name]) as process:
        process.kill()
        process.wait()
        made = "events" in world.live.list_collection_names()
    facts = world.reload(EVENTS, run_id="next")
    assert ("half loaded time series events of run dead was removed" in facts.recovered) == made
    assert holds(world, events(ROWS))
    assert (_state(world)["loading"], _state(world)["published"]["run_id"]) == (None, "next")
    assert did(world.reload(EVENTS)) == (0, 0, 0, ROWS)


def test_a_first_load_that_is_killed_after_it_was_announced_is_published_by_the_next_run(world: World) -> None:
    world.write("events", events(ROWS))
    with _held_in(world, "ledger", "update", "{database}_pipeline.quarantine") as process:
        process.kill()
        process.wait()
    facts = world.reload(EVENTS)
    assert "the swap of run dead had happened; the ledger now says so" in facts.recovered
    assert (did(facts), _state(world)["loading"]) == ((0, 0, 0, ROWS), None)


GAP = {
    "before the removal": ("rewrite", "delete", "{database}.events"),
    "before the rows are written again": ("rewrite", "insert", "{database}.events"),
}


@pytest.mark.parametrize("name", GAP)
def test_a_run_that_is_killed_in_the_gap_is_healed_by_the_next_one(world: World, name: str) -> None:
    world.write("events", events(ROWS))
    world.reload(EVENTS)
    rows = [*changed(events(ROWS), 7, number=-1), NEW]
    world.write("events", rows)
    with _held_in(world, *GAP[name]) as process:
        process.kill()
        process.wait()
        assert (_state(world)["gap"]["run_id"], _state(world)["gap"]["rebuild"]) == (DEAD, False)
    facts = world.reload(EVENTS)
    assert any("run dead died while it rewrote the time series" in note for note in facts.recovered)
    assert holds(world, rows)
    assert _state(world)["gap"] is None
    assert did(world.reload(EVENTS)) == (0, 0, 0, ROWS + 1)


def test_a_run_that_is_killed_while_it_builds_anew_is_healed_and_takes_nothing_away(world: World) -> None:
    world.write("events", events(ROWS))
    world.reload(EVENTS)
    world.live["events"].create_index("meta.zone", name="by_stranger")
    rows = [(*row[:5], row[5] + 1, row[6]) for row in events(ROWS)]
    world.write("events", rows)
    with _held_in(world, "rewrite", "insert", "{database}.events", 1) as process:
        wait_until(lambda: world.live["events"].count_documents({}), "the batch that is not held")
        process.kill()
        process.wait()
        assert world.live["events"].count_documents({}) < ROWS
        world.live["events"].insert_one({"_id": "app", "at": datetime(2026, 1, 1, tzinfo=UTC)})
        world.write("events", rows[50:])  # rows that the dead run wrote are gone by now
    with pytest.raises(TargetError, match=r"1 foreign documents.*'app'"):
        world.reload(EVENTS)
    assert world.live["events"].delete_many({"meta": {"$exists": False}}).deleted_count == 1
    facts = world.reload(EVENTS)
    assert holds(world, rows[50:])
    assert facts.carried_indexes == ["by_stranger"]
    assert {index["name"] for index in world.live["events"].list_indexes()} >= {"by_stranger", "by_number"}
    assert _state(world)["gap"] is None


def test_a_run_that_lost_its_lease_writes_no_more_and_leaves_the_collection_to_the_other(
    world: World, quick: None
) -> None:
    world.write("events", events(FEW))
    other = {"lease.run_id": "other", "lease.holder.pid": 1}

    def lose_it(load: Any) -> None:
        world.ledger["tables"].update_one({"_id": "small.events"}, {"$set": other})

    with pytest.raises(LeaseHeldError, match="run other"):
        world.reload(EVENTS, run_id="late", after_copy=lose_it)
    assert world.live["events"].count_documents({}) == FEW
    world.ledger["tables"].update_one({"_id": "small.events"}, {"$set": {"lease": None}})
    assert "half loaded time series events of run late was removed" in world.reload(EVENTS).recovered


# --- the connection ---------------------------------------------------------------------------------------------------

FAULTS: dict[str, dict[str, Any]] = {
    "one dropped connection": {"times": 1, "closeConnection": True},
    "three dropped connections": {"times": 3, "closeConnection": True},
    "a server that steps down twice": {"times": 2, "errorCode": 189},
    "a write that is not confirmed": {"times": 2, "writeConcernError": _WRITE_CONCERN_TIMEOUT},
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_during_inserts_are_absorbed_and_nothing_is_there_twice(world: World, quick: None, name: str) -> None:
    world.write("events", events(FEW))
    with failing(world.client, ["insert"], **FAULTS[name]):
        assert did(world.reload(EVENTS)) == (FEW, 0, 0, 0)
    assert holds(world, events(FEW))


@contextmanager
def _through(world: World) -> Iterator[tuple[LossyProxy, str]]:
    host, _, rest = world.uri.removeprefix("mongodb://").partition(":")
    port, _, options = rest.partition("/")
    with lossy_proxy(host, int(port)) as proxy:
        yield proxy, f"mongodb://127.0.0.1:{proxy.port}/{options}"


@pytest.mark.parametrize("lost", [1, 4])
def test_a_write_whose_reply_is_lost_is_read_back_and_not_made_twice(world: World, quick: None, lost: int) -> None:
    world.write("events", events(FEW))
    with _through(world) as (proxy, uri):
        proxy.lose(
            "insert", times=lost, on="events"
        )  # the driver sends again once by itself, so from the second on it is up to us
        assert did(world.reload(EVENTS, uri=uri)) == (FEW, 0, 0, 0)
        assert proxy.lost == lost
    assert holds(world, events(FEW))


def test_a_reply_that_is_lost_while_a_group_is_rewritten_makes_nothing_twice(world: World, quick: None) -> None:
    world.write("events", events(FEW))
    world.reload(EVENTS)
    rows = [*changed(events(FEW), 7, number=-1), NEW]
    world.write("events", rows)
    with _through(world) as (proxy, uri):
        proxy.lose("insert", times=3, on="events")
        assert did(world.reload(EVENTS, uri=uri)) == (1, 1, 0, FEW - 1)
    assert holds(world, rows)


def test_an_insert_that_the_server_still_holds_when_the_connection_breaks_is_not_made_late(
    world: World, quick: None
) -> None:
    rows = events(100)
    world.write("events", rows)
    loaded: list[Any] = []
    with held(world.client, "insert", namespace=f"{world.database}.events") as waiting, _through(world) as (proxy, uri):
        load = threading.Thread(target=lambda: loaded.append(world.reload(EVENTS, uri=uri)))
        load.start()
        waiting.wait()
        proxy.cut()
        wait_until(lambda: len(held_operations(world.client, "insert")) == 2, "the driver's own second attempt")
        off = {"configureFailPoint": "failCommand", "mode": "off"}
        letting_pass = threading.Thread(target=world.client.admin.command, args=(off,))
        letting_pass.start()  # what is held stays so until somebody ends it, what comes later passes
        proxy.cut()
        load.join()
        assert held_operations(world.client, "insert") == []
        letting_pass.join()
    assert [did(facts) for facts in loaded] == [(100, 0, 0, 0)]
    assert holds(world, rows)


@pytest.mark.parametrize("command", ["insert", "create"])
def test_a_connection_that_never_lasts_stops_the_load_and_the_next_one_succeeds(
    world: World, quick: None, command: str
) -> None:
    world.write("events", events(100))
    with (
        failing(world.client, [command], closeConnection=True, namespace=f"{world.database}.events"),
        pytest.raises(TargetUnavailableError) as stopped,
    ):
        world.reload(EVENTS, run_id="stopped")
    assert stopped.value.retryable
    assert world.run("stopped")["status"] == "failed"
    assert "events" not in world.live.list_collection_names()
    assert did(world.reload(EVENTS)) == (100, 0, 0, 0)


def test_documents_that_are_not_what_was_sent_are_found_by_their_digest(world: World, quick: None) -> None:
    """One byte of one document is changed on its way to the server."""
    world.write("events", events(FEW))

    def other(request: bytes) -> bytes:
        return request.replace(b"kind 3", b"kind X", 1)

    with _through(world) as (proxy, uri):
        proxy.alter("insert", other, on="events")
        with pytest.raises(DataQualityError, match="documents of 1 stretches of 60 s are not the bytes that were"):
            world.reload(EVENTS, uri=uri)
    assert "events" not in world.live.list_collection_names()
