"""`kill -9` in every phase of a reload: the live collection is as before or as after, and the next run succeeds."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from atlas_pipeline_tests.load.faults import held, held_operations
from atlas_pipeline_tests.load.reload_once import reloading
from atlas_pipeline_tests.load.small import StoppedError, World, items, stop

DEAD = "dead"
BAD = ("item-x", None, "team", 1, None)  # one row for the quarantine


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where a run is held when it is killed.

    Attributes:
        phase: What the ledger says then.
        command: The command that the server does not carry out.
        on: Namespace of that command; `{database}` is the target's, `{staging}` the staging collection.
        skip: How many such commands pass first.
        after: Whether the live collection is already the new one.
    """

    phase: str
    command: str
    on: str
    skip: int = 0
    after: bool = field(default=False)


MOMENTS = {
    "read, before staging is made": Moment(phase="read", command="create", on="{staging}"),
    "load, in the second batch": Moment(phase="load", command="insert", on="{staging}", skip=1),
    "load, while the ledger takes a range": Moment(phase="load", command="insert", on="{database}_pipeline.ranges"),
    "check, while the bytes are read back": Moment(phase="check", command="find", on="{staging}"),
    "index": Moment(phase="index", command="createIndexes", on="{staging}"),
    "check, while documents are counted": Moment(phase="check", command="aggregate", on="{staging}"),
    "check, while entries inherit what is known": Moment(
        phase="check", command="find", on="{database}_pipeline.quarantine"
    ),
    "rename, before it is announced": Moment(phase="rename", command="find", on="{database}.items", skip=1),
    "rename": Moment(phase="rename", command="renameCollection", on="{staging}"),
    "ledger, before the quarantine is published": Moment(
        phase="ledger", command="update", on="{database}_pipeline.quarantine", skip=1, after=True
    ),
    "ledger, before the old ranges go": Moment(
        phase="ledger", command="delete", on="{database}_pipeline.ranges", skip=1, after=True
    ),
}
ROWS = 2_100  # two batches


@pytest.fixture
def published(world: World) -> str:
    """Digest of what is published before the run that is killed; it has one row in quarantine."""
    world.write("items", [*items(300, note="before"), BAD])
    world.reload(run_id="first")
    world.write("items", [*items(ROWS, note="after"), BAD, ("item-y", None, "team", 2, None)])
    return world.digest()


@contextmanager
def _held_in(world: World, moment: Moment) -> Iterator[subprocess.Popen[str]]:
    """A process that is held in that moment of its run."""
    staging = f"{world.database}.items__staging_{DEAD}"
    namespace = moment.on.format(database=world.database, staging=staging)
    with (
        held(world.client, moment.command, skip=moment.skip, namespace=namespace) as waiting,
        reloading(world, DEAD) as process,
    ):
        waiting.wait()
        assert process.poll() is None
        assert world.run(DEAD)["phase"] == moment.phase
        yield process


@pytest.mark.parametrize("name", MOMENTS)
def test_a_killed_run_leaves_the_collection_whole_and_the_next_one_succeeds_at_once(
    world: World, published: str, name: str
) -> None:
    moment = MOMENTS[name]
    with _held_in(world, moment) as process:
        process.kill()
        process.wait()
        notes = world.live["items"].distinct("note")
        if moment.after:
            assert notes == ["after"]
            assert world.live["items"].count_documents({}) == ROWS
        else:
            assert world.digest() == published
        lease = world.ledger["tables"].find_one({"_id": "small.items"})["lease"]
        assert (lease["run_id"], lease["holder"]["pid"]) == (DEAD, process.pid)
    _next_run_succeeds(world)


def test_a_run_whose_last_command_still_waits_on_the_server_is_recovered_too(world: World, published: str) -> None:
    for name in ("load, in the second batch", "index", "rename"):
        with _held_in(world, MOMENTS[name]) as process:
            process.kill()
            process.wait()
            assert held_operations(world.client, MOMENTS[name].command)  # it would be carried out after the next run
            _next_run_succeeds(world, ended=True)
        assert world.stagings() == []
        assert world.live["items"].count_documents({"note": "after"}) == ROWS


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
    assert current == [(["item-x"], DEAD), (["item-y"], DEAD)]
    assert world.reload(run_id="last").loaded == ROWS  # what the dead run loaded is known, so nothing is foreign


def _next_run_succeeds(world: World, *, ended: bool = False) -> None:
    facts = world.reload(run_id="next")
    assert f"the lease of dead run {DEAD} was taken over" in facts.recovered
    assert f"run {DEAD} had died; its record is closed" in facts.recovered
    assert any("operations that the server still did" in note for note in facts.recovered) == ended
    assert world.run(DEAD)["status"] == "died"
    assert world.run("next")["status"] == "published"
    assert world.live["items"].count_documents({"note": "after"}) == world.live["items"].count_documents({}) == ROWS
    assert world.stagings() == []
    assert world.quarantined("key", "code", "run_id", "published") == [
        (["item-x"], "null_value", "next", True),
        (["item-y"], "null_value", "next", True),
    ]
    state: dict[str, Any] = world.ledger["tables"].find_one({"_id": "small.items"})
    assert (state["lease"], state["swap"], state["staging"]) == (None, None, [])
    assert state["published"]["run_id"] == "next"
    assert world.ledger["ranges"].distinct("run_id") == ["next"]
