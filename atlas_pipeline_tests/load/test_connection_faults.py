"""Lost connections, lost replies and errors of the server: absorbed, or a clean stop with nothing published."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bson
import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from atlas_pipeline.errors import TargetError, TargetUnavailableError
from atlas_pipeline.extract import batching
from atlas_pipeline.load import transient
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.target import Target
from atlas_pipeline.load.writer import BulkWriter
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline_tests.load.faults import failing
from atlas_pipeline_tests.load.lossy import LossyProxy, lossy_proxy
from atlas_pipeline_tests.load.small import World, items

ROWS = 500
BATCH_ROWS = 200
_PRIMARY_STEPPED_DOWN, _OPERATION_FAILED, _OUT_OF_DISK_SPACE, _UNAUTHORIZED = 189, 96, 14031, 13
_WRITE_CONFLICT, _INTERRUPTED = 112, 11601
_SHUTDOWN = {91, 11600}
"""After these of a whole command the driver looks for another server, for ten seconds."""
_WRITE_CONCERN_TIMEOUT = {"code": 64, "codeName": "WriteConcernTimeout", "errmsg": "waiting for replication timed out"}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several batches of few rows, and retries without a pause."""
    monkeypatch.setattr(batching, "BATCH_ROWS", BATCH_ROWS)
    monkeypatch.setattr(transient, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(transient, "JITTER_SECONDS", 0)


@pytest.fixture
def published(world: World) -> str:
    """Digest of what was published before the fault."""
    world.write("items", items(ROWS, note="before"))
    world.reload()
    world.write("items", items(ROWS, note="after"))
    return world.digest()


def _whole(world: World, facts: LoadFacts) -> bool:
    counted = world.live["items"].count_documents({"note": "after"})
    return (facts.source_rows, facts.loaded, facts.quarantined, counted) == (ROWS, ROWS, 0, ROWS)


@pytest.mark.parametrize("times", [1, 3])
def test_dropped_connections_during_inserts_are_absorbed(world: World, published: str, times: int) -> None:
    with failing(world.client, ["insert"], times=times, closeConnection=True):
        assert _whole(world, world.reload())
    assert world.digest() != published


def test_a_server_that_steps_down_twice_during_inserts_is_absorbed(world: World, published: str) -> None:
    with failing(world.client, ["insert"], times=2, errorCode=_PRIMARY_STEPPED_DOWN):
        assert _whole(world, world.reload())


@pytest.mark.parametrize("code", sorted(transient.TRANSIENT_CODES - _SHUTDOWN))
def test_what_a_server_says_that_passes_by_itself_is_absorbed(world: World, code: int) -> None:
    with failing(world.client, ["insert"], times=2, errorCode=code, namespace=f"{world.database}.written"):
        assert _send(world, [{"_id": n} for n in range(10)]) == {}
    assert world.live["written"].count_documents({}) == 10


def test_a_command_that_somebody_ended_is_not_sent_again(world: World) -> None:
    with failing(world.client, ["insert"], times=1, errorCode=_INTERRUPTED, namespace=f"{world.database}.written"):
        with pytest.raises(OperationFailure):
            _send(world, [{"_id": 1}])
        assert _send(world, [{"_id": 2}]) == {}
    assert world.live["written"].distinct("_id") == [2]


def test_a_server_that_keeps_failing_in_a_way_that_passes_stops_the_reload_for_another_attempt(
    world: World, published: str
) -> None:
    with (
        failing(
            world.client, ["insert"], errorCode=_WRITE_CONFLICT, namespace=f"{world.database}.items__staging_stopped"
        ),
        pytest.raises(TargetUnavailableError, match="failed with WriteConflict at all attempts") as stopped,
    ):
        world.reload(run_id="stopped")
    assert stopped.value.retryable
    assert world.digest() == published


@pytest.mark.parametrize("code", [_WRITE_CONFLICT, *sorted(_SHUTDOWN)])
def test_items_that_fail_for_a_while_are_sent_again_alone(world: World, code: int) -> None:
    world.live.create_collection("written", validator={"value": {"$ne": 4}})
    world.live["written"].insert_one({"_id": 6, "value": 6})
    documents = [{"_id": n, "value": n} for n in range(10)]
    with _proxied(world) as proxy:
        sizes = proxy.fail_items("insert", (1, 3, 8), code, times=1)
        refused = _send(world, documents, proxy.port)
    assert sizes == [10, 3]
    assert {position: code for position, (code, _) in refused.items()} == {4: RejectCode.REFUSED_BY_SERVER}
    assert world.live["written"].distinct("_id") == [0, 1, 2, 3, 5, 6, 7, 8, 9]


def test_items_that_fail_for_ever_are_not_swallowed(world: World) -> None:
    with _proxied(world) as proxy:
        proxy.fail_items("insert", (0,), _WRITE_CONFLICT, times=1_000)
        with pytest.raises(AutoReconnect):
            _send(world, [{"_id": n} for n in range(10)], proxy.port)
    assert world.live["written"].distinct("_id") == list(range(1, 10))


def test_a_duplicate_on_another_unique_index_is_not_swallowed(world: World) -> None:
    world.live["written"].create_index("value", unique=True)
    with pytest.raises(TargetError, match="refused a document with code 11000"):
        _send(world, [{"_id": n, "value": n % 9} for n in range(10)])


def test_a_write_that_is_made_and_not_confirmed_is_recognised_by_its_bytes(world: World, published: str) -> None:
    with failing(world.client, ["insert"], times=2, writeConcernError=_WRITE_CONCERN_TIMEOUT):
        assert _whole(world, world.reload())


@pytest.mark.parametrize("lost", [1, 4])
def test_a_write_whose_reply_is_lost_is_recognised_by_its_bytes(world: World, published: str, lost: int) -> None:
    host, _, rest = world.uri.removeprefix("mongodb://").partition(":")
    port, _, options = rest.partition("/")
    with lossy_proxy(host, int(port)) as proxy:
        uri = f"mongodb://127.0.0.1:{proxy.port}/{options}"
        proxy.lose("insert", times=lost)  # the driver sends again once by itself, so from the second on it is up to us
        assert _whole(world, world.reload(uri=uri))
        assert proxy.lost == lost


@pytest.mark.parametrize("command", ["insert", "createIndexes", "aggregate", "renameCollection"])
def test_a_connection_that_never_lasts_stops_the_reload_and_the_next_one_succeeds(
    world: World, published: str, command: str
) -> None:
    of_staging: dict[str, Any] = (
        {} if command == "renameCollection" else {"namespace": f"{world.database}.items__staging_stopped"}
    )
    with (
        failing(world.client, [command], closeConnection=True, **of_staging),
        pytest.raises(
            TargetUnavailableError, match=r"connection to MongoDB at 127\.0\.0\.1:\d+ broke.*Cure"
        ) as stopped,
    ):
        world.reload(run_id="stopped")
    assert stopped.value.retryable
    assert world.digest() == published
    record = world.run("stopped")
    assert (record["status"], record["error"]) == ("failed", str(stopped.value))
    assert _whole(world, world.reload())
    assert world.stagings() == []


ERRORS: dict[str, tuple[int, str]] = {
    "any": (_OPERATION_FAILED, "refused a command: OperationFailed"),
    "disk full": (_OUT_OF_DISK_SPACE, "no room left on its disk"),
    "no permission": (_UNAUTHORIZED, "does not let this user do what is needed"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_the_server_stops_the_reload_with_nothing_published(
    world: World, published: str, name: str
) -> None:
    code, words = ERRORS[name]
    with (
        failing(world.client, ["insert"], skip=2, errorCode=code),
        pytest.raises(TargetError, match=f"{words}.*Cure") as stopped,
    ):
        world.reload(run_id="stopped")
    assert not stopped.value.retryable
    assert world.digest() == published
    assert world.run("stopped")["status"] == "failed"
    assert _whole(world, world.reload())


@pytest.mark.parametrize("command", ["create", "createIndexes", "delete"])
def test_an_error_before_the_first_row_is_recorded_and_gives_the_lease_back(
    world: World, published: str, command: str
) -> None:
    with failing(world.client, [command], times=1, errorCode=_OPERATION_FAILED), pytest.raises(TargetError):
        world.reload(run_id="stopped")
    assert world.run("stopped")["status"] == "failed"
    assert world.ledger["tables"].find_one({"_id": "small.items"})["lease"] is None
    assert world.digest() == published
    assert _whole(world, world.reload())


def test_a_swap_whose_reply_is_lost_is_finished_by_the_next_attempt_of_the_same_run(
    world: World, published: str
) -> None:
    world.write("items", [*items(ROWS, note="after"), ("item-x", None, "team", 1, None)])
    host, _, rest = world.uri.removeprefix("mongodb://").partition(":")
    port, _, options = rest.partition("/")
    with lossy_proxy(host, int(port)) as proxy:
        proxy.lose("renameCollection", times=1)
        with pytest.raises(TargetUnavailableError):
            world.reload(run_id="same", uri=f"mongodb://127.0.0.1:{proxy.port}/{options}")
    assert world.live["items"].count_documents({"note": "after"}) == ROWS
    facts = world.reload(run_id="same")
    assert facts.recovered == ["the swap of run same had happened; the ledger now says so"]
    assert world.quarantined("key", "published") == [(["item-x"], True)]
    assert world.run("same")["status"] == "published"


@contextmanager
def _proxied(world: World) -> Iterator[LossyProxy]:
    host, _, rest = world.uri.removeprefix("mongodb://").partition(":")
    with lossy_proxy(host, int(rest.partition("/")[0])) as proxy:
        yield proxy


def _send(world: World, documents: list[dict[str, Any]], port: int | None = None) -> dict[int, tuple[RejectCode, str]]:
    uri = world.uri if port is None else f"mongodb://127.0.0.1:{port}/?directConnection=true"
    with (
        Target(uri) as target,
        BulkWriter[str](target.client[world.database]["written"], comment="a run") as writer,
    ):
        list(writer.send([bson.encode(document) for document in documents], "a batch"))
        (acknowledged,) = writer.finish()
    assert acknowledged.payload == "a batch"
    return acknowledged.refused


def test_documents_that_are_there_with_equal_bytes_count_as_written(world: World) -> None:
    world.live["written"].insert_many([{"_id": n, "value": "same"} for n in (3, 5)])
    assert _send(world, [{"_id": n, "value": "same"} for n in range(10)]) == {}
    assert world.live["written"].count_documents({"value": "same"}) == 10


@pytest.mark.parametrize("there", [{"value": "other"}, {"value": 1.0}, {"value": 1, "more": 1}], ids=repr)
def test_a_document_that_is_there_with_other_bytes_stops_the_load(world: World, there: dict[str, Any]) -> None:
    world.live["written"].insert_one({"_id": 3, **there})
    with pytest.raises(TargetError, match=r"written: another document with one of our keys.*Cure"):
        _send(world, [{"_id": n, "value": 1} for n in range(10)])


def test_documents_that_the_server_refuses_one_by_one_come_back_by_position(world: World) -> None:
    world.live.create_collection("written", validator={"value": {"$lt": 3}})
    refused = _send(world, [{"_id": n, "value": n} for n in range(5)])
    assert {position: code for position, (code, _) in refused.items()} == dict.fromkeys(
        (3, 4), RejectCode.REFUSED_BY_SERVER
    )
    assert world.live["written"].distinct("_id") == [0, 1, 2]
