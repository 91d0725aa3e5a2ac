"""A reload is one step for readers, and none at all when it is not published."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pymongo.errors import OperationFailure

from atlas_pipeline.errors import DataQualityError, TargetError
from atlas_pipeline.load import staging
from atlas_pipeline.load.reload import Reload
from atlas_pipeline_tests.load.faults import held_operations
from atlas_pipeline_tests.load.small import ITEMS, NUMBERS, SEATS, StoppedError, World, items, policy, stop
from atlas_pipeline_tests.waiting import wait_until

_QUERY_PLAN_KILLED = 175  # what an open cursor meets when its collection is replaced


class Readers:
    """Threads that read the live collection all the time and note everything that is not one whole generation."""

    def __init__(self, world: World, sizes: dict[str, int]) -> None:
        self.world, self.sizes = world, sizes
        self.wrong: list[str] = []
        self.seen: Counter[str] = Counter()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._loop, args=(look,)) for look in (self._whole, self._count, self._point)
        ]

    def __enter__(self) -> Readers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, seen: str) -> None:
        """Wait until a reader has seen that, or something that is wrong."""
        wait_until(lambda: self.seen[seen] or self.wrong, f"a reader of {seen}")

    def _loop(self, look: Callable[[], str]) -> None:
        while not self._stop.is_set():
            try:
                self.seen[look()] += 1
            except OperationFailure as error:
                if error.code != _QUERY_PLAN_KILLED or look == self._point:
                    self.wrong.append(f"{look.__name__}: {error!r}")
            except Exception as error:
                self.wrong.append(f"{look.__name__}: {error!r}")

    def _whole(self) -> str:
        notes = Counter(document["note"] for document in self.world.live["items"].find())
        (note, count), *more = notes.items()
        if more or count != self.sizes[note]:
            self.wrong.append(f"a mixture: {notes}")
        return f"whole {note}"

    def _count(self) -> str:
        count = self.world.live["items"].count_documents({})
        if count not in self.sizes.values():
            self.wrong.append(f"a part: {count}")
        return "count"

    def _point(self) -> str:
        found = self.world.live["items"].find_one({"name": "name 7"})
        if found is None:
            self.wrong.append("a document was missing")
        return "point"


def test_readers_see_one_whole_generation_after_the_other(world: World) -> None:
    sizes = {f"generation {n}": 500 + n for n in range(6)}
    generations = iter(sizes.items())
    note, size = next(generations)
    world.write("items", items(size, note=note))
    world.reload()
    with Readers(world, sizes) as readers:
        for note, size in generations:
            world.write("items", items(size, note=note))
            assert world.reload().loaded == size
            readers.wait_for(f"whole {note}")
    assert readers.wrong == []
    assert readers.seen["point"] > len(sizes)
    assert readers.seen["count"] > len(sizes)


def test_staging_is_renamed_so_the_live_collection_is_the_very_one_that_was_checked(world: World) -> None:
    world.write("items", items(20))
    uuids: list[Any] = []

    def note_uuid(reload: Reload) -> None:
        assert world.stagings() == [reload.staging.name]
        uuids.extend(one["info"]["uuid"] for one in world.live.list_collections(filter={"name": reload.staging.name}))

    world.reload(after_build=note_uuid)
    (live,) = world.live.list_collections(filter={"name": "items"})
    assert [live["info"]["uuid"]] == uuids
    assert world.live.list_collection_names() == ["items"]
    assert {index["name"] for index in world.live["items"].list_indexes()} >= {"_id_", "by_name", "by_place"}


@pytest.mark.parametrize("moment", ["after_copy", "after_build"])
def test_leaving_without_publishing_leaves_the_live_collection_byte_for_byte(world: World, moment: str) -> None:
    world.write("items", items(50))
    world.reload()
    before = world.digest()
    world.write("items", items(60, note="changed"))
    with pytest.raises(StoppedError):
        world.reload(run_id="stopped", **{moment: stop})  # type: ignore[arg-type]
    assert world.digest() == before
    assert (world.run("stopped")["status"], world.run("stopped")["error"]) == ("failed", "StoppedError")
    assert world.ledger["tables"].find_one({"_id": "small.items"})["lease"] is None
    facts = world.reload()
    assert facts.loaded == world.live["items"].count_documents({"note": "changed"}) == 60
    assert world.stagings() == []


def test_a_withheld_reload_leaves_the_live_collection_and_no_staging(world: World) -> None:
    world.write("items", items(50))
    world.reload()
    before = world.digest()
    world.write("items", items(49))

    def withhold(reload: Reload) -> None:
        reload.withhold(why="a blocking check failed")
        stop(reload)

    with pytest.raises(StoppedError):
        world.reload(run_id="withheld", after_build=withhold)
    assert world.digest() == before
    assert world.stagings() == []
    record = world.run("withheld")
    assert (record["status"], record["why"], record["documents"]) == ("withheld", "a blocking check failed", 49)


@pytest.mark.parametrize("table", [ITEMS, NUMBERS, SEATS], ids=lambda table: table.source)
def test_a_second_reload_changes_no_document(world: World, table: Any) -> None:
    world.write("items", items(300))
    world.write("numbers", [(n, f"number {n}") for n in (-(2**62), -1, 0, 1, 2**31 - 1, 2**31, 2**53 + 1, 2**63 - 1)])
    world.write("seats", [(f"room {n}", seat, "somebody") for n in range(20) for seat in (1, 2, 2**40)])
    first = world.reload(table)
    documents = list(world.live[table.collection].find_raw_batches({}).sort("_id", 1))
    second = world.reload(table)
    assert list(world.live[table.collection].find_raw_batches({}).sort("_id", 1)) == documents
    assert (second.digest, second.loaded, second.recovered) == (first.digest, first.loaded, [])


def test_an_empty_table_becomes_an_empty_collection_with_its_indexes(world: World) -> None:
    world.write("items", [])
    facts = world.reload()
    assert (facts.source_rows, facts.loaded, world.live["items"].count_documents({})) == (0, 0, 0)
    assert {"by_name", "by_place"} <= set(world.live["items"].index_information())


@pytest.mark.parametrize("change", ["changed", "added", "added below the first key", "removed"])
def test_a_document_of_staging_that_somebody_touches_stops_the_reload(world: World, change: str) -> None:
    world.write("items", items(50))
    world.reload()
    before = world.digest()

    def touch(reload: Reload) -> None:
        if change == "changed":
            reload.staging.update_one({"_id": "item-00007"}, {"$set": {"note": "tampered"}})
        elif change == "removed":
            reload.staging.delete_one({"_id": "item-00007"})
        else:
            reload.staging.insert_one({"_id": 5 if "below" in change else "item-00007b", "name": "x"})

    with pytest.raises(DataQualityError, match=r"items__staging_.*not the bytes that were sent"):
        world.reload(after_copy=touch)
    assert world.digest() == before


def test_a_reload_that_would_lose_most_of_the_collection_is_refused_unless_forced(world: World) -> None:
    world.write("items", items(100))
    world.reload()
    before = world.digest()
    world.write("items", items(10))
    with pytest.raises(TargetError, match=r"shrink from 100 to 10 .*80 %.*--force"):
        world.reload(run_id="too small")
    assert world.digest() == before
    assert world.run("too small")["status"] == "failed"
    assert world.reload(force=True).loaded == 10
    assert world.live["items"].count_documents({}) == 10


def test_rows_that_go_to_quarantine_count_as_lost_too(world: World) -> None:
    world.write("items", items(100))
    world.reload()
    before = world.digest()
    world.write("items", [(key, None, team, slot, note) for key, _name, team, slot, note in items(100)])
    with pytest.raises(TargetError, match="shrink from 100 to 0"):
        world.reload()
    assert world.digest() == before


@pytest.mark.parametrize("rows", [[], [("item-0", None, "team", 1, None)]], ids=["emptied", "all refused"])
def test_a_reload_that_would_leave_nothing_is_refused_whatever_the_policy_unless_it_is_forced(
    world: World, rows: list[Any]
) -> None:
    table = policy(ITEMS, max_shrink_percent=100)
    world.write("items", items(10))
    world.reload(table)
    before = world.digest()
    world.write("items", rows)
    with pytest.raises(TargetError, match=r"would lose all of its 10 documents, which no policy allows.*--force"):
        world.reload(table)
    assert world.digest() == before
    assert world.reload(table, force=True).loaded == world.live["items"].count_documents({}) == 0


def test_a_reload_the_policy_allows_to_shrink_is_published(world: World) -> None:
    world.write("items", items(100))
    world.reload()
    world.write("items", items(10))
    assert world.reload(policy(ITEMS, max_shrink_percent=90)).loaded == 10


def test_sql_does_not_overwrite_a_table_whose_primary_side_is_mongodb(world: World) -> None:
    world.write("items", items(10))
    world.reload()
    before = world.digest()
    world.ledger["tables"].update_one({"_id": "small.items"}, {"$set": {"primary": "mongo"}})
    with pytest.raises(TargetError, match=r"small\.items: MongoDB is the primary side"):
        world.reload(force=True)
    assert world.digest() == before
    assert world.stagings() == []


def test_a_transaction_that_holds_the_collection_stops_the_swap_and_the_next_run_recovers(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "RENAME_TIMEOUT_MS", 200)
    monkeypatch.setattr(staging, "RENAME_ATTEMPTS", 2)
    world.write("items", items(20))
    world.reload()
    before = world.digest()
    world.write("items", items(30))
    with world.client.start_session() as session, session.start_transaction():
        assert world.live["items"].find_one({}, session=session)
        with pytest.raises(TargetError, match=r"transaction .* held it for all 2 attempts.*items__staging_.*Cure"):
            world.reload(run_id="blocked")
        assert session.in_transaction
        assert world.live["items"].find_one({}, session=session)  # it was not ended by force
        assert world.digest() == before
        (verified,) = world.stagings()
        assert world.live[verified].count_documents({}) == 30
        session.abort_transaction()
    assert "attempts" in world.run("blocked")["error"]
    facts = world.reload()
    assert facts.recovered == [
        "the swap of run blocked had not happened; it is forgotten",
        "this run went on with the reload of run blocked; key ranges kept: 1, changed and loaded again: 0",
    ]
    assert facts.bytes_sent == 0
    assert world.live["items"].count_documents({}) == 30
    assert world.stagings() == []


def test_a_transaction_that_ends_in_time_only_delays_the_swap(world: World) -> None:
    world.write("items", items(20))
    world.reload()
    world.write("items", items(30))
    with world.client.start_session() as session:
        session.start_transaction()
        assert world.live["items"].find_one({}, session=session)

        def end_the_transaction_when_the_swap_waits_for_it() -> None:
            wait_until(lambda: held_operations(world.client, "renameCollection"), "a swap that waits")
            session.abort_transaction()

        ending = threading.Thread(target=end_the_transaction_when_the_swap_waits_for_it)
        ending.start()
        assert world.reload().loaded == 30
        ending.join()
    assert world.live["items"].count_documents({}) == 30
