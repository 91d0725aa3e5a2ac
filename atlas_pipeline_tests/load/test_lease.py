"""One run per table: who holds the lease, who may take it over, and what happens to one who lost it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest
from pymongo import MongoClient

from atlas_pipeline.errors import LeaseHeldError, TargetError
from atlas_pipeline.load import lease as lease_module
from atlas_pipeline.load.lease import Lease, require_free
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.load.faults import PausedInserts
from atlas_pipeline_tests.load.small import ITEMS, World, items
from atlas_pipeline_tests.waiting import wait_until

TABLE = "small.items"
ELSEWHERE = Holder(host="another.example.org", pid=os.getpid(), started=0.0)


def _identity(run_id: str, holder: Holder | None = None) -> RunIdentity:
    return RunIdentity(run_id=run_id, holder=holder or Holder.this_process())


def _lease(world: World, run_id: str) -> Lease:
    return Lease(world.ledger["tables"], TABLE, RunIdentity(run_id=run_id, holder=Holder.this_process()))


def _plant(world: World, run_id: str, holder: Holder) -> None:
    """Let a run of another process hold the lease."""
    now = datetime.now(UTC)
    lease = {"run_id": run_id, "holder": holder.as_document(), "since": now, "expires": now + timedelta(seconds=60)}
    world.ledger["tables"].update_one({"_id": TABLE}, {"$set": {"lease": lease}}, upsert=True)


def _holder_of(world: World) -> str | None:
    """Run that holds the lease."""
    found = world.ledger["tables"].find_one({"_id": TABLE})
    assert found is not None
    return found["lease"]["run_id"] if found["lease"] else None


def _expire(world: World) -> None:
    past = datetime.now(UTC) - timedelta(seconds=1)
    assert world.ledger["tables"].update_one({"_id": TABLE}, {"$set": {"lease.expires": past}}).matched_count == 1


@pytest.fixture
def gone() -> Holder:
    """A process of this machine that was killed."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        started = psutil.Process(process.pid).create_time()
        holder = Holder(host=socket.gethostname(), pid=process.pid, started=started)
        assert not holder.known_dead()
        process.kill()
    return holder


def test_a_step_that_is_begun_again_on_another_machine_waits_until_the_lease_of_the_dead_one_expires(
    world: World,
) -> None:
    _plant(world, "first", ELSEWHERE)
    soon = datetime.now(UTC) + timedelta(seconds=2)
    world.ledger["tables"].update_one({"_id": TABLE}, {"$set": {"lease.expires": soon}})
    with _lease(world, "first") as lease:
        assert datetime.now(UTC) > soon
        assert lease.taken_over_from == "first"
        assert _holder_of(world) == "first"
        assert world.ledger["tables"].find_one({"_id": TABLE})["lease"]["holder"]["host"] == socket.gethostname()


def test_a_step_that_is_begun_again_while_the_first_one_still_works_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "LEASE_SECONDS", 0)
    monkeypatch.setattr(lease_module, "HEARTBEAT_SECONDS", 1)
    _plant(world, "first", ELSEWHERE)
    with pytest.raises(LeaseHeldError, match=ELSEWHERE.host), _lease(world, "first"):
        pytest.fail("two steps at work on one table")
    assert world.ledger["tables"].find_one({"_id": TABLE})["lease"]["holder"]["host"] == ELSEWHERE.host


def test_a_second_run_is_refused_and_told_of_the_first(world: World) -> None:
    with _lease(world, "first"):
        with pytest.raises(LeaseHeldError, match=rf"{TABLE} .* run first \(process {os.getpid()} on .*Cure: wait"):
            _lease(world, "second").__enter__()
        with pytest.raises(LeaseHeldError, match="run first"):
            require_free(world.ledger["tables"], TABLE)
        assert _holder_of(world) == "first"
    assert _holder_of(world) is None
    require_free(world.ledger["tables"], TABLE)
    with _lease(world, "second") as second:
        assert second.taken_over_from is None


def test_a_refused_reload_is_recorded_and_leaves_the_first_one_alone(world: World) -> None:
    world.write("items", items(10))

    def refuse_another(_reload: Reload) -> None:
        with pytest.raises(LeaseHeldError, match="run first"):
            world.reload(run_id="second")

    assert world.reload(run_id="first", after_copy=refuse_another).loaded == 10
    assert world.run("first")["status"] == "published"
    assert (world.run("second")["status"], "run first" in world.run("second")["error"]) == ("failed", True)


def test_the_lease_of_a_killed_process_is_taken_over_at_once(world: World, gone: Holder) -> None:
    _plant(world, "dead", gone)
    require_free(world.ledger["tables"], TABLE)
    with _lease(world, "next") as taken:
        assert (taken.taken_over_from, _holder_of(world)) == ("dead", "next")


def test_a_process_that_got_the_number_of_a_dead_one_is_told_apart(world: World) -> None:
    me = Holder.this_process()
    _plant(world, "dead", Holder(host=me.host, pid=me.pid, started=me.started - 3_600))
    with _lease(world, "next") as taken:
        assert taken.taken_over_from == "dead"


def test_a_lease_of_another_host_is_taken_over_when_it_has_expired_and_not_before(world: World) -> None:
    _plant(world, "elsewhere", ELSEWHERE)
    for refuse in (lambda: require_free(world.ledger["tables"], TABLE), _lease(world, "next").__enter__):
        with pytest.raises(LeaseHeldError, match=r"run elsewhere \(process \d+ on another\.example\.org\)"):
            refuse()
    _expire(world)
    require_free(world.ledger["tables"], TABLE)
    with _lease(world, "next"):
        assert _holder_of(world) == "next"


def test_the_heartbeat_keeps_the_lease(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "HEARTBEAT_SECONDS", 0.05)
    with _lease(world, "first"):
        _expire(world)
        wait_until(lambda: not _is_expired(world), "a heartbeat")
        with pytest.raises(LeaseHeldError):
            _lease(world, "second").__enter__()


def _is_expired(world: World) -> bool:
    found = world.ledger["tables"].find_one({"_id": TABLE})
    return bool(found["lease"]["expires"] < datetime.now(UTC))


def test_another_attempt_of_a_run_gets_the_lease_that_the_first_could_not_give_back(world: World) -> None:
    _plant(world, "same", Holder.this_process())
    with _lease(world, "same") as again:
        assert again.taken_over_from is None
    assert _holder_of(world) is None


@pytest.mark.parametrize("moment", ["after_copy", "after_build"])
def test_a_run_that_lost_its_lease_publishes_nothing_and_takes_its_staging_away(world: World, moment: str) -> None:
    world.write("items", items(10))
    world.reload()
    before = world.digest()
    world.write("items", items(20))

    def lose_it(reload: Reload) -> None:
        assert world.stagings() == [reload.staging.name]
        _plant(world, "other", ELSEWHERE)

    with pytest.raises(LeaseHeldError, match="run other"):
        world.reload(run_id="slow", **{moment: lose_it})  # type: ignore[arg-type]
    assert world.digest() == before
    assert world.run("slow")["status"] == "failed"
    assert world.stagings() == []
    assert _holder_of(world) == "other"  # it was not given back by the one who had lost it
    assert world.ledger["tables"].find_one({"_id": TABLE})["swap"] is None


def test_a_lease_lost_between_the_last_look_and_the_announcement_stops_the_swap(world: World) -> None:
    world.write("items", items(10))
    world.reload(run_id="published")
    before = world.digest()
    slow = RunIdentity(run_id="slow", holder=Holder.this_process())
    ledger = TableLedger(world.ledger, world.catalog, ITEMS, slow)
    _plant(world, "other", ELSEWHERE)
    with pytest.raises(TargetError, match=rf"{TABLE}: the lease was lost.*Cure"):
        ledger.announce(staging="items__staging_slow", uuid=None, facts={})
    assert world.ledger["tables"].find_one({"_id": TABLE})["swap"] is None
    assert world.digest() == before


def test_of_two_commands_at_once_exactly_one_refuses_and_names_the_run_of_the_other(
    mongo_server: MongoServer, mongo_client: MongoClient[dict[str, Any]], tmp_path: Path
) -> None:
    for database in ("atlas", "atlas_pipeline"):
        mongo_client.drop_database(database)
    write_sample(tmp_path / "source.sqlite3", size=SampleSize.default().scaled(0.01))
    common = {"ATLAS_DB_URL": f"sqlite:///{tmp_path / 'source.sqlite3'}", "MONGODB_URI": mongo_server.uri}
    with ExitStack() as stack:
        paused = stack.enter_context(PausedInserts(mongo_client))
        both = [
            stack.enter_context(
                cli.started("sync", "--table", "users", "--json", env={**common, "ATLAS_STATE_DIR": tmp_path / name})
            )
            for name in ("one", "other")
        ]
        wait_until(lambda: [one for one in both if one.poll() is not None], "the end of one of them")
        (refused,) = [one for one in both if one.poll() is not None]
        (working,) = [one for one in both if one.poll() is None]
        (state,) = mongo_client["atlas_pipeline"]["tables"].find({"_id": "infrastructure_atlas.users"})
        lease = state["lease"]
        paused.go_on()
        won, lost = cli.ended(working), cli.ended(refused)
    assert won.code == 0, won
    assert won.json["run_id"] == lease["run_id"]
    assert lost.code == 2
    assert f"infrastructure_atlas.users is being worked on by run {lease['run_id']}" in lost.err
    assert f"process {working.pid} on" in lost.err
    assert lost.json["ok"] is False
    assert mongo_client["atlas"].list_collection_names() == ["users"]
