"""`kill -9` of a verification at any moment leaves nothing wrong, and the next one goes on where it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from bson import ObjectId

from atlas_pipeline_tests.load.faults import held
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, kinds, texts
from atlas_pipeline_tests.reconcile.proof_tables import ITEMS
from atlas_pipeline_tests.reconcile.verify_once import verifying
from atlas_pipeline_tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("small_stretches")
ROWS = 1_000
DIFFERENCES = [
    ("missing_in_target", "item-00050"),
    ("value", "item-00150"),
    ("value", "item-00250"),
    ("extra_in_target", "item-00250x"),
    ("missing_in_target", "item-00650"),
    ("extra_in_target", "item-00950x"),
]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Where a verification is held when it is killed.

    Attributes:
        command: The command that the server does not carry out.
        on: Namespace of that command; `{database}` is the target's.
        skip: How many such commands pass first.
        done: Stretches that are recorded by then.
    """

    command: str
    on: str
    skip: int | None
    done: int


VERIFICATIONS, RECORDED = "{database}_pipeline.verifications", "{database}_pipeline.differences"
MOMENTS = {
    "before its record is made": Moment(command="insert", on=VERIFICATIONS, skip=None, done=0),
    "while the first documents are read": Moment(command="find", on="{database}.items", skip=None, done=0),
    "before the first stretch is recorded": Moment(command="update", on=VERIFICATIONS, skip=None, done=0),
    "before the differences of a stretch are recorded": Moment(command="update", on=RECORDED, skip=2, done=1),
    "between its differences and the stretch": Moment(command="update", on=VERIFICATIONS, skip=2, done=2),
    "after some stretches": Moment(command="update", on=VERIFICATIONS, skip=5, done=5),
    "before the last stretch is recorded": Moment(command="update", on=VERIFICATIONS, skip=9, done=9),
    "before it forgets old differences": Moment(command="delete", on=RECORDED, skip=None, done=10),
    "before its end is recorded": Moment(command="update", on=VERIFICATIONS, skip=10, done=10),
}


def spoil(proof: Proof) -> None:
    live = proof.live(ITEMS)
    live.delete_many({"_id": {"$in": ["item-00050", "item-00650"]}})
    live.update_many({"_id": {"$in": ["item-00150", "item-00250"]}}, {"$set": {"amount": -1}})
    live.insert_many([{"_id": "item-00250x"}, {"_id": "item-00950x"}])


@pytest.fixture
def spoilt(sqlite_proof: Proof) -> Proof:
    """A table of ten stretches with differences in six places, and an old record of one that is none any more."""
    sqlite_proof.table(ITEMS, texts(ROWS))
    sqlite_proof.live(ITEMS).update_one({"_id": "item-00777"}, {"$set": {"amount": -1}})
    assert kinds(sqlite_proof.verify(ITEMS)) == [("value", "item-00777")]
    sqlite_proof.live(ITEMS).update_one({"_id": "item-00777"}, {"$set": {"amount": 777}})
    spoil(sqlite_proof)
    return sqlite_proof


def kill_at(proof: Proof, moment: Moment, *, processes: int = 1) -> None:
    namespace = moment.on.format(database=proof.catalog.database)
    with (
        held(proof.client, moment.command, skip=moment.skip, namespace=namespace) as waiting,
        verifying(proof, ITEMS, processes=processes) as process,
    ):
        waiting.wait()
        assert process.poll() is None
        process.kill()
        process.wait()


@pytest.mark.parametrize("name", MOMENTS)
def test_a_killed_verification_is_gone_on_with_at_the_first_unfinished_stretch(spoilt: Proof, name: str) -> None:
    moment = MOMENTS[name]
    kill_at(spoilt, moment)
    verification = spoilt.verify(ITEMS, resume=True)
    assert verification.resumed == moment.done
    assert kinds(verification) == DIFFERENCES
    assert accounted(verification) == (ROWS, ROWS, ROWS - 4, 0)
    assert ("compared earlier" in verification.note) == bool(moment.done)
    known = sorted((str(one.kind), one.key) for one in spoilt.records(ITEMS).differences())
    assert known == sorted(DIFFERENCES)
    again = spoilt.verify(ITEMS)
    assert (found(again), again.digest, again.resumed) == (found(verification), verification.digest, 0)


def test_a_verification_that_is_not_gone_on_with_begins_anew(spoilt: Proof) -> None:
    kill_at(spoilt, MOMENTS["after some stretches"])
    verification = spoilt.verify(ITEMS)
    assert (verification.resumed, kinds(verification)) == (0, DIFFERENCES)
    assert spoilt.verify(ITEMS, resume=True).resumed == 0  # that one came to its end


def test_what_was_published_anew_since_is_compared_again(spoilt: Proof) -> None:
    kill_at(spoilt, MOMENTS["after some stretches"])
    spoilt.live(ITEMS).delete_many({"_id": {"$regex": "x$"}})
    spoilt.load(ITEMS)
    spoil(spoilt)
    verification = spoilt.verify(ITEMS, resume=True)
    assert (verification.resumed, kinds(verification)) == (0, DIFFERENCES)


def test_one_that_began_in_the_middle_does_not_stand_in_for_the_whole(spoilt: Proof) -> None:
    records = spoilt.records(ITEMS)
    with pytest.raises(RuntimeError):
        spoilt.verify(ITEMS, since=("item-00300",), progress=stop_at(500))
    unfinished = records.unfinished("item-00300")
    assert unfinished is not None
    assert records.unfinished() is None
    verification = spoilt.verify(ITEMS, resume=True)
    assert (verification.resumed, kinds(verification)) == (0, DIFFERENCES)


def test_an_interrupted_verification_is_gone_on_with(spoilt: Proof) -> None:
    with pytest.raises(RuntimeError):
        spoilt.verify(ITEMS, progress=stop_at(500))
    verification = spoilt.verify(ITEMS, resume=True)
    assert verification.resumed < 10
    assert kinds(verification) == DIFFERENCES


def stop_at(rows: int) -> Any:
    compared: list[int] = []

    def stop(count: int) -> None:
        compared.append(count)
        if sum(compared) >= rows:
            raise RuntimeError("stopped")

    return stop


def test_no_process_is_left_when_the_one_that_started_them_is_killed(spoilt: Proof) -> None:
    spoilt.live(ITEMS).insert_one({"_id": ObjectId()})
    namespace = f"{spoilt.catalog.database}.items"
    with held(spoilt.client, "find", namespace=namespace) as waiting, verifying(spoilt, ITEMS, processes=2) as process:
        waiting.wait()
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.kill()
        process.wait()
    wait_until(lambda: not any(alive(child) for child in children), "the end of all processes of the verification")
    verification = spoilt.verify(ITEMS, resume=True, processes=2)
    assert verification.tally.differences == len(DIFFERENCES) + 1


def alive(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
