"""`kill -9` in every phase of a reload: the live collection is as before or as after, and the next run goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from atlas_pipeline_tests.load.faults import held, held_operations, hung_index_build
from atlas_pipeline_tests.load.reload_once import cut, reloading
from atlas_pipeline_tests.load.resuming import end_during_load, require_whole
from atlas_pipeline_tests.load.small import StoppedError, World, items, stop
from atlas_pipeline_tests.waiting import wait_until

DEAD, HUNG = "dead", "item-00050"
BATCH_ROWS, RANGE_DOCUMENTS = 20, 30


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where a run is held when it is killed.

    Attributes:
        phase: What the ledger says then.
        command: The command that the server does not carry out.
        on: Namespace of that command; `{database}` is the target's, `{staging}` the staging collection.
        skip: How many such commands pass first.
        finished: How many key ranges are finished by then.
        after: Whether the live collection is already the new one.
    """

    phase: str
    command: str
    on: str
    skip: int = 0
    finished: int = 0
    after: bool = field(default=False)


MOMENTS = {
    "read, before staging is made": Moment(phase="read", command="create", on="{staging}"),
    "load, in the second batch": Moment(phase="load", command="insert", on="{staging}", skip=1),
    "load, in the fourth batch": Moment(phase="load", command="insert", on="{staging}", skip=3, finished=1),
    "load, while the ledger takes a range": Moment(
        phase="load", command="insert", on="{database}_pipeline.ranges", skip=1, finished=1
    ),
    "check, while the bytes are read back": Moment(phase="check", command="find", on="{staging}", finished=3),
    "index": Moment(phase="index", command="createIndexes", on="{staging}", finished=3),
    "check, while documents are counted": Moment(phase="check", command="aggregate", on="{staging}", finished=3),
    "check, while entries inherit what is known": Moment(
        phase="check", command="find", on="{database}_pipeline.quarantine", skip=1, finished=3
    ),
    "rename, before it is announced": Moment(phase="rename", command="find", on="{database}.items", skip=1, finished=3),
    "rename": Moment(phase="rename", command="renameCollection", on="{staging}", finished=3),
    "ledger, before the quarantine is published": Moment(
        phase="ledger", command="update", on="{database}_pipeline.quarantine", skip=1, after=True
    ),
    "ledger, before the old ranges go": Moment(
        phase="ledger", command="delete", on="{database}_pipeline.ranges", skip=1, after=True
    ),
}
GOING_ON = {
    "while staging gets another name": ("renameCollection", "{staging}"),
    "before the ranges are its own": ("update", "{database}_pipeline.ranges"),
    "before the entries are its own": ("update", "{database}_pipeline.quarantine"),
    "before what is behind the last range is gone": ("delete", "{staging}_again_2"),
    "in the next batch": ("insert", "{staging}_again_2"),
}
BEFORE = [*items(30, note="before"), ("item-x", None, "team", 1, None)]
ROWS = sorted([*items(110, note="after"), ("item-00015-x", None, "t", 1, None), ("item-x", None, "team", 2, None)])


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, batch_rows=BATCH_ROWS, range_documents=RANGE_DOCUMENTS)


@pytest.fixture
def published(world: World) -> str:
    """Digest of what is published before the run that is killed; it has one row in quarantine."""
    world.write("items", BEFORE)
    world.reload(run_id="first")
    world.write("items", ROWS)
    return world.digest()


@contextmanager
def _held_in(world: World, moment: Moment, *, times: int | None = None) -> Iterator[subprocess.Popen[str]]:
    """A process that is held in that moment of its run; `times` is how often anybody is."""
    staging = f"{world.database}.items__staging_{DEAD}"
    namespace = moment.on.format(database=world.database, staging=staging)
    with (
        held(world.client, moment.command, skip=moment.skip, times=times, namespace=namespace) as waiting,
        reloading(world, DEAD) as process,
    ):
        waiting.wait()
        assert process.poll() is None
        assert world.run(DEAD)["phase"] == moment.phase
        wait_until(lambda: _finished(world) == moment.finished or moment.after, f"{moment.finished} finished ranges")
        yield process


def _finished(world: World) -> int:
    return int(world.ledger["ranges"].count_documents({"run_id": DEAD}))


@pytest.mark.parametrize("name", MOMENTS)
def test_a_killed_run_leaves_the_collection_whole_and_the_next_one_goes_on_at_once(
    world: World, published: str, name: str
) -> None:
    moment = MOMENTS[name]
    with _held_in(world, moment) as process:
        process.kill()
        process.wait()
        if moment.after:
            assert world.live["items"].distinct("note") == ["after"]
            assert world.live["items"].count_documents({}) == len(ROWS) - 2
        else:
            assert world.digest() == published
        lease = world.ledger["tables"].find_one({"_id": "small.items"})["lease"]
        assert (lease["run_id"], lease["holder"]["pid"]) == (DEAD, process.pid)
    _next_run_succeeds(world, moment)


def test_a_run_whose_last_command_still_waits_on_the_server_is_recovered_too(world: World, published: str) -> None:
    for name in ("load, in the second batch", "index", "rename"):
        moment = MOMENTS[name]
        with _held_in(world, moment, times=None if moment.skip else 1) as process:
            process.kill()
            process.wait()
            assert held_operations(world.client, moment.command)  # it would be carried out after the next run
            _next_run_succeeds(world, moment, ended=True)
        assert world.stagings() == []
        assert world.live["items"].count_documents({"note": "after"}) == len(ROWS) - 2


def test_a_run_that_is_killed_while_the_server_builds_its_index_is_recovered_and_the_server_lives(
    world: World, published: str
) -> None:
    rows = [row for row in ROWS if row[0] != HUNG]
    with hung_index_build(world.client, HUNG) as build:
        with reloading(world, DEAD) as process:
            build.wait()
            process.kill()
            process.wait()
        assert world.run(DEAD)["phase"] == "index"
        assert world.digest() == published
        world.write("items", rows)
        with ThreadPoolExecutor(1) as others:
            released = others.submit(build.release_when, "dropIndexes")
            facts = world.reload(run_id="next")
            released.result()
    assert world.run("next")["resumed_from"] == DEAD
    require_whole(world, rows, facts, "next")


@pytest.mark.parametrize("name", GOING_ON)
def test_a_run_that_is_killed_while_it_goes_on_with_another_one_is_gone_on_with(
    world: World, published: str, name: str
) -> None:
    assert end_during_load(world, 50, run_id="ended") == 1
    command, on = GOING_ON[name]
    namespace = on.format(database=world.database, staging=f"{world.database}.items__staging_ended")
    with held(world.client, command, namespace=namespace) as waiting, reloading(world, DEAD) as process:
        waiting.wait()
        process.kill()
        process.wait()
        assert world.digest() == published
    facts = world.reload(run_id="next")
    record = world.run("next")
    assert (record["ranges_reused"], record["ranges_repeated"]) == (1, 0)
    assert record["resumed_from"] in ("ended", DEAD)
    require_whole(world, ROWS, facts, "next")


def test_a_swap_that_happened_is_recorded_also_when_the_next_run_fails(world: World, published: str) -> None:
    with _held_in(world, MOMENTS["ledger, before the quarantine is published"]) as process:
        process.kill()
        process.wait()
    with pytest.raises(StoppedError):
        world.reload(run_id="next", after_copy=stop)
    assert world.ledger["tables"].find_one({"_id": "small.items"})["published"]["run_id"] == DEAD
    current = [
        (key, run_id) for key, run_id, is_current in world.quarantined("key", "run_id", "published") if is_current
    ]
    assert current == [(["item-00015-x"], DEAD), (["item-x"], DEAD)]
    assert (
        world.reload(run_id="last").loaded == len(ROWS) - 2
    )  # what the dead run loaded is known, so nothing is foreign


def _next_run_succeeds(world: World, moment: Moment, *, ended: bool = False) -> None:
    facts = world.reload(run_id="next")
    assert f"the lease of dead run {DEAD} was taken over" in facts.recovered
    assert f"run {DEAD} had died; its record is closed" in facts.recovered
    assert any("operations that the server still did" in note for note in facts.recovered) == ended
    assert world.run(DEAD)["status"] == "died"
    record = world.run("next")
    assert record["status"] == "published"
    if moment.finished:
        assert (record["resumed_from"], record["ranges_reused"], record["ranges_repeated"]) == (
            DEAD,
            moment.finished,
            0,
        )
    else:
        assert "resumed_from" not in record
    require_whole(world, ROWS, facts, "next")
    assert world.ledger["tables"].find_one({"_id": "small.items"})["published"]["run_id"] == "next"
