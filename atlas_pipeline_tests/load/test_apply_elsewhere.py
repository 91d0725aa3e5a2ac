"""Single differences on servers that answer in another way: one that keeps `_id`s, one that has no transactions."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.target import Target
from atlas_pipeline.local import mongod
from atlas_pipeline.local.binaries import find_mongod
from atlas_pipeline_tests.embedding.other_servers import ChangingProxy, code_of
from atlas_pipeline_tests.load.small import ITEMS, World, items
from atlas_pipeline_tests.load.test_apply import Live, item
from atlas_pipeline_tests.waiting import wait_until

DUPLICATE_KEY, IMMUTABLE_FIELD = 11000, 66


@contextmanager
def _saying_immutable(port: int) -> Iterator[ChangingProxy]:
    """A server that calls what stands in the way of a document an immutable field, as others say it of an `_id`."""
    proxy = ChangingProxy("127.0.0.1", port, code=IMMUTABLE_FIELD)
    proxy.change = code_of(DUPLICATE_KEY), code_of(IMMUTABLE_FIELD)
    thread = threading.Thread(target=proxy.serve, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


@contextmanager
def _standalone(folder: Path) -> Iterator[str]:
    """A server that is no replica set; gives its connection string."""
    port = mongod.free_port()
    folder.mkdir()
    line = mongod.command(find_mongod(), data=folder, port=port, cache_gb=0.25)
    at = line.index("--replSet")
    del line[at : at + 2]
    with (
        subprocess.Popen(line, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL) as process,
        MongoClient[dict[str, Any]]("127.0.0.1", port, directConnection=True) as client,
    ):
        try:
            wait_until(lambda: client.admin.command("hello")["isWritablePrimary"], "a server")
            yield f"mongodb://{mongod.address(port)}/?directConnection=true"
        finally:
            process.terminate()


def test_a_document_that_cannot_be_replaced_is_removed_and_inserted_at_once(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    address = world.client.address
    assert address is not None
    with (
        _saying_immutable(address[1]) as proxy,
        Target(f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true") as target,
    ):
        live = Live(world, target, ITEMS)
        applied = live.apply([item(2, name="name 7"), item(7, name="name 2"), item(50)])
        assert proxy.changed
    assert (applied.replaced, applied.inserted, applied.refused) == (2, 1, {})
    assert world.live["items"].find_one("item-00002") == item(2, name="name 7")


def test_without_transactions_all_but_what_waits_for_each_other_is_applied_and_the_cure_is_named(
    tmp_path: Path,
) -> None:
    with _standalone(tmp_path / "data") as uri, MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        world = World(uri=uri, folder=tmp_path, client=client)
        world.write("items", items(10))
        world.reload()
        with Target(uri) as target:
            live = Live(world, target, ITEMS)
            assert live.apply([item(3, note="changed"), item(50)], deletes=["item-00000"]).refused == {}
            with pytest.raises(TargetError, match="this server has none") as refused:
                live.apply([item(2, name="name 7"), item(7, name="name 2")])
            assert live.foreign() == []
        assert "replica set" in refused.value.cure
        assert client[world.database]["items"].find_one("item-00002") == item(2)
