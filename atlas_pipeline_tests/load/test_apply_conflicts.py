"""Single differences that meet what passes by itself: items that fail for a while, and other people's transactions."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from atlas_pipeline.load import transient
from atlas_pipeline.load.apply import Applied
from atlas_pipeline.load.target import Target
from atlas_pipeline_tests.load.faults import failing, held_operations
from atlas_pipeline_tests.load.lossy import LossyProxy, lossy_proxy
from atlas_pipeline_tests.load.small import ITEMS, World, items
from atlas_pipeline_tests.load.test_apply import Live, item
from atlas_pipeline_tests.waiting import wait_until

_WRITE_CONFLICT = 112
_LATE_MS = 3_000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transient, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(transient, "JITTER_SECONDS", 0)


@pytest.fixture
def proxied(world: World) -> Iterator[tuple[Live, LossyProxy]]:
    """Ten items, published, and a way to them through a proxy."""
    world.write("items", items(10))
    world.reload()
    host, _, rest = world.uri.removeprefix("mongodb://").partition(":")
    with (
        lossy_proxy(host, int(rest.partition("/")[0])) as proxy,
        Target(f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true") as target,
    ):
        yield Live(world, target, ITEMS), proxy


def test_documents_that_fail_for_a_while_are_written_again_alone_and_counted_once(
    proxied: tuple[Live, LossyProxy],
) -> None:
    live, proxy = proxied
    writes = [item(3, note="changed"), item(50), item(4, note="changed"), item(60), item(5, note="changed")]
    live.ledger.learn_keys([one["_id"] for one in writes])  # whose own updates are none of these
    sizes = proxy.fail_items("update", (0, 1, 4), _WRITE_CONFLICT, times=1)
    applied = live.apply(writes)
    assert (applied.replaced, applied.inserted, applied.refused) == (3, 2, {})
    assert [size for size in sizes if size > 1] == [5, 3]
    assert [live.collection.find_one(one["_id"]) for one in writes] == writes


def test_documents_that_cannot_be_removed_for_a_while_are_removed_again_alone_and_counted_once(
    proxied: tuple[Live, LossyProxy],
) -> None:
    live, proxy = proxied
    gone = [f"item-{number:05}" for number in range(6)]
    sizes = proxy.fail_items("delete", (2, 5), _WRITE_CONFLICT, times=1)
    assert live.apply(deletes=gone).deleted == 6
    assert [size for size in sizes if size > 1] == [6, 2]
    assert live.known() == live.collection.count_documents({}) == 4


@contextmanager
def _in_thread(work: Callable[[], Applied]) -> Iterator[list[Applied]]:
    """Do something in another thread; it is done when the context ends, and what it gave is in the list."""
    done: list[Applied] = []
    thread = threading.Thread(target=lambda: done.append(work()))
    thread.start()
    try:
        yield done
    finally:
        thread.join()


def _in_conflict(world: World) -> bool:
    """Whether the server tries to do something again for the pipeline."""
    operations = world.client.admin.aggregate([{"$currentOp": {"allUsers": True}}])
    return any(one.get("appName") == "atlas-pipeline" and one.get("writeConflicts") for one in operations)


def _aborted(world: World) -> int:
    return int(world.client.admin.command("serverStatus")["transactions"]["totalAborted"])


def test_a_document_that_an_open_transaction_holds_is_written_when_that_has_ended(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    with Target(world.uri) as target, world.client.start_session() as session:
        live = Live(world, target, ITEMS)
        session.start_transaction()
        world.live["items"].update_one({"_id": "item-00003"}, {"$set": {"note": "theirs"}}, session=session)
        with _in_thread(lambda: live.apply([item(3, note="ours")])) as done:
            wait_until(lambda: _in_conflict(world), "a conflict")
            assert done == []
            session.commit_transaction()
    assert (done[0].replaced, done[0].refused) == (1, {})
    assert world.live["items"].find_one("item-00003") == item(3, note="ours")


def test_a_transaction_of_ours_that_meets_another_one_is_made_again(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    swap = [item(2, name="name 7"), item(7, name="name 2")]
    late: dict[str, Any] = {"blockConnection": True, "blockTimeMS": _LATE_MS, "namespace": f"{world.database}.items"}
    with (
        Target(world.uri) as target,
        world.client.start_session() as session,
        failing(world.client, ["delete"], times=1, **late),
    ):
        live, before = Live(world, target, ITEMS), _aborted(world)
        with _in_thread(lambda: live.apply(swap)) as done:
            wait_until(lambda: held_operations(world.client, "delete"), "the first command of our transaction")
            session.start_transaction()
            world.live["items"].update_one({"_id": "item-00002"}, {"$set": {"note": "theirs"}}, session=session)
            wait_until(lambda: _aborted(world) > before + 1, "transactions of ours that were made again")
            assert done == []
            session.abort_transaction()
    assert (done[0].replaced, done[0].inserted, done[0].refused) == (2, 0, {})
    assert [world.live["items"].find_one(one["_id"]) for one in swap] == swap
