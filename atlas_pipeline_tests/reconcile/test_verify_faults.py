"""When a side goes away, or is replaced, while it is compared, verify says so or begins again. It never says equal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest
from pymongo.uri_parser import parse_uri

from atlas_pipeline.errors import AtlasError, SourceError, TargetError, TargetUnavailableError
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.reconcile.verify import Request, verify_table
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.load.faults import Held, failing, held
from atlas_pipeline_tests.load.lossy import LossyProxy, lossy_proxy
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, kinds, proof, texts
from atlas_pipeline_tests.reconcile.proof_tables import BLOBS, EVENTS, ITEMS, NUMBERS

ROWS = 1_000
LARGE = 25_000  # more than the server gives in one batch of 10,000


def once(action: Callable[[], Any], *, after: int = 1) -> Callable[[int], None]:
    """A progress that does something when so many rows were compared."""
    compared = [0]

    def progress(count: int) -> None:
        before, compared[0] = compared[0], compared[0] + count
        if before < after <= compared[0]:
            action()

    return progress


@pytest.fixture
def proxy(sqlite_proof: Proof) -> Iterator[LossyProxy]:
    host, port = parse_uri(sqlite_proof.uri)["nodelist"][0]
    with lossy_proxy(host, port) as made:
        yield made


def through(proxy: LossyProxy) -> Target:
    return Target(f"mongodb://127.0.0.1:{proxy.port}/?directConnection=true", timeout_ms=300)


@pytest.mark.parametrize("mode", ["full", "sampled"])
def test_a_server_that_cannot_be_reached_any_more_is_an_error(
    sqlite_proof: Proof, proxy: LossyProxy, mode: str
) -> None:
    sqlite_proof.table(NUMBERS, [(n, "name") for n in range(LARGE)])
    sqlite_proof.live(NUMBERS).delete_one({"_id": 1})  # so that something is looked at again

    with through(proxy) as target, pytest.raises(TargetUnavailableError):
        sqlite_proof.verify(NUMBERS, target=target, mode=mode, progress=once(proxy.refuse))
    assert not sqlite_proof.pipeline["verifications"].count_documents({"status": "done"})


def test_a_killed_server_is_an_error(tmp_path: Path) -> None:
    with (
        mongodb(Settings(ATLAS_STATE_DIR=tmp_path / "state")) as server,
        proof(server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path, "killed") as made,
    ):
        made.table(NUMBERS, [(n, "name") for n in range(LARGE)])
        port = parse_uri(server.uri)["nodelist"][0][1]
        processes = [one for one in psutil.process_iter(["cmdline"]) if is_server(one, tmp_path, port)]
        assert len(processes) == 1

        def kill() -> None:
            processes[0].kill()
            processes[0].wait(10)

        with Target(server.uri, timeout_ms=300) as target, pytest.raises(TargetUnavailableError):
            made.verify(NUMBERS, target=target, progress=once(kill))


def is_server(process: psutil.Process, folder: Path, port: int) -> bool:
    line = process.info["cmdline"] or []
    return bool(line) and Path(line[0]).name == "mongod" and str(port) in line and str(folder) in " ".join(line)


def test_a_connection_that_breaks_in_another_process_is_an_error_here(
    sqlite_proof: Proof, small_stretches: None
) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    namespace = f"{sqlite_proof.catalog.database}.items"
    with (
        failing(sqlite_proof.client, ["find"], namespace=namespace, closeConnection=True),
        pytest.raises(TargetUnavailableError),
    ):
        sqlite_proof.verify(ITEMS, processes=2)
    assert sqlite_proof.verify(ITEMS, processes=2, resume=True).strictly_equal


def test_other_processes_that_reach_no_server_are_an_error_here(sqlite_proof: Proof, small_stretches: None) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    nowhere = replace(sqlite_proof.place(ITEMS), mongodb_uri="mongodb://127.0.0.1:9/", mongodb_timeout_ms=300)
    with pytest.raises(TargetUnavailableError):
        verify_table(sqlite_proof.opened(ITEMS), Request(wait_seconds=0), place=nowhere, processes=2)
    nowhere = replace(sqlite_proof.place(ITEMS), source_url=f"sqlite:///{sqlite_proof.folder / 'none.sqlite3'}")
    with pytest.raises(SourceError):
        verify_table(sqlite_proof.opened(ITEMS), Request(wait_seconds=0), place=nowhere, processes=2)


def test_a_process_that_is_killed_is_an_error_here(sqlite_proof: Proof, small_stretches: None) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    mine = psutil.Process()
    before = {child.pid for child in mine.children(recursive=True)}
    namespace = f"{sqlite_proof.catalog.database}.items"

    def kill(waiting: Held) -> None:
        waiting.wait()
        for child in mine.children(recursive=True):
            if child.pid not in before and "resource_tracker" not in " ".join(child.cmdline()):
                child.kill()

    with held(sqlite_proof.client, "find", namespace=namespace) as waiting:
        thread = threading.Thread(target=kill, args=(waiting,))
        thread.start()
        with pytest.raises(AtlasError, match="was ended from outside"):
            sqlite_proof.verify(ITEMS, processes=2)
        thread.join()
    assert sqlite_proof.verify(ITEMS, resume=True).strictly_equal


def test_a_source_file_that_is_gone_when_a_difference_is_looked_at_again_is_an_error(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    sqlite_proof.live(ITEMS).delete_one({"_id": "item-00500"})
    with pytest.raises(SourceError):
        sqlite_proof.verify(ITEMS, progress=once((sqlite_proof.folder / "source.sqlite3").unlink))
    assert not sqlite_proof.pipeline["verifications"].count_documents({"status": "done"})


def test_a_source_table_that_is_gone_is_an_error(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    sqlite_proof.change("DROP TABLE items")
    for mode in ("full", "sampled", "counts"):
        with pytest.raises(SourceError):
            sqlite_proof.verify(ITEMS, mode=mode)


def test_a_source_server_that_ends_the_connection_is_an_error(postgres_proof: Proof) -> None:
    postgres_proof.change("CREATE TABLE numbers (id BIGINT PRIMARY KEY, name VARCHAR(80))")
    postgres_proof.change(f"INSERT INTO numbers SELECT n, 'name' FROM generate_series(1, {LARGE}) AS n")
    postgres_proof.load(NUMBERS)

    def terminate() -> None:
        with psycopg.connect(postgres_proof.url.replace("+psycopg", "", 1)) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )

    with pytest.raises(SourceError):
        postgres_proof.verify(NUMBERS, progress=once(terminate))
    assert not postgres_proof.pipeline["verifications"].count_documents({"status": "done"})
    assert postgres_proof.verify(NUMBERS).strictly_equal


@pytest.mark.parametrize("mode", ["full", "sampled", "counts"])
def test_a_collection_that_is_not_there_is_an_error(sqlite_proof: Proof, mode: str) -> None:
    sqlite_proof.create(ITEMS, texts(10))
    with pytest.raises(TargetError, match="does not exist"):
        sqlite_proof.verify(ITEMS, mode=mode)


@pytest.mark.parametrize("after", [100, 2_000, 24_000])
def test_a_collection_that_is_dropped_meanwhile_is_an_error(sqlite_proof: Proof, after: int) -> None:
    sqlite_proof.table(NUMBERS, [(n, "name") for n in range(LARGE)])
    with pytest.raises(TargetError, match="does not exist"):
        sqlite_proof.verify(NUMBERS, progress=once(sqlite_proof.live(NUMBERS).drop, after=after))


def put_in_place(proof: Proof, change: Callable[[Any], Any]) -> Callable[[], None]:
    """Rename a changed copy over the collection of NUMBERS."""

    def replaced() -> None:
        database = proof.client[proof.catalog.database]
        proof.live(NUMBERS).aggregate([{"$out": "copy"}])
        change(database["copy"])
        database["copy"].rename("numbers", dropTarget=True)

    return replaced


@pytest.mark.parametrize("after", [100, 500, 900])
def test_a_collection_that_is_replaced_meanwhile_is_compared_again_as_a_whole(
    sqlite_proof: Proof, small_stretches: None, after: int
) -> None:
    sqlite_proof.table(NUMBERS, [(n, "name") for n in range(ROWS)])
    sqlite_proof.live(NUMBERS).update_one({"_id": 30}, {"$set": {"name": "wrong before"}})

    def change(copy: Any) -> None:
        copy.update_one({"_id": 30}, {"$set": {"name": "name"}})
        copy.update_many({"_id": {"$in": [7, 993]}}, {"$set": {"name": "wrong"}})

    meanwhile = once(put_in_place(sqlite_proof, change), after=after)
    verification = sqlite_proof.verify(NUMBERS, progress=meanwhile)
    assert kinds(verification) == [("value", "7"), ("value", "993")]
    assert accounted(verification) == (ROWS, ROWS, ROWS - 2, 0)
    again = sqlite_proof.verify(NUMBERS)
    assert (found(again), again.digest) == (found(verification), verification.digest)
    assert sorted(one.key for one in sqlite_proof.records(NUMBERS).differences()) == ["7", "993"]


def test_a_cursor_that_the_replacement_ends_is_no_error(sqlite_proof: Proof) -> None:
    sqlite_proof.table(NUMBERS, [(n, "name") for n in range(3 * LARGE)])
    change = put_in_place(sqlite_proof, lambda copy: copy.delete_one({"_id": 7}))
    assert kinds(sqlite_proof.verify(NUMBERS, progress=once(change))) == [("missing_in_target", "7")]


def test_a_collection_that_is_replaced_again_and_again_is_an_error(sqlite_proof: Proof) -> None:
    sqlite_proof.table(NUMBERS, [(n, "name") for n in range(10)])
    replaced = put_in_place(sqlite_proof, lambda _: None)
    with pytest.raises(TargetError, match="was replaced 5 times"):
        sqlite_proof.verify(NUMBERS, progress=lambda _: replaced())


@pytest.mark.parametrize("table", [BLOBS, EVENTS], ids=["bytes", "time series"])
def test_other_ways_of_comparing_raise_too(sqlite_proof: Proof, proxy: LossyProxy, table: Any) -> None:
    rows: Any = [(f"{n:05}".encode(), "name", n) for n in range(3_000)]
    if table is EVENTS:
        rows = [(f"e{n}", f"2026-01-01 00:00:{n % 60:02}", "z", n, None) for n in range(3_000)]
    sqlite_proof.table(table, rows)
    namespace = f"{sqlite_proof.catalog.database}.{table.collection}"
    with failing(sqlite_proof.client, ["find"], namespace=namespace, errorCode=11601), pytest.raises(AtlasError):
        sqlite_proof.verify(table)
    assert sqlite_proof.verify(table).strictly_equal


def test_a_server_that_cannot_record_what_was_found_is_an_error(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(10))
    sqlite_proof.live(ITEMS).delete_one({"_id": "item-00005"})
    namespace = f"{sqlite_proof.catalog.pipeline_database}.differences"
    with (
        failing(sqlite_proof.client, ["update"], namespace=namespace, skip=1, errorCode=13),
        pytest.raises(TargetError, match="grant readWrite"),
    ):
        sqlite_proof.verify(ITEMS)
