"""Rows in quarantine, tried again: what lands, what is gone and what remains; and that the numbers always add up."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from atlas_pipeline.embedding.embedder import make_embedder
from atlas_pipeline.errors import LeaseHeldError, SourceError, TargetError
from atlas_pipeline.load.replay import FOREIGN, LOST_KEY, SERIES
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline.spec.storage import Embedding, VectorIndex
from atlas_pipeline_tests.load.faults import failing, held
from atlas_pipeline_tests.load.replaying import ended, replay, replaying
from atlas_pipeline_tests.load.small import EVENTS, ITEMS, NUMBERS, World, changed, events, items, policy
from atlas_pipeline_tests.load.test_kill import DEAD

GOOD = items(10)
BAD = [("item-x", None, "team", 1, None), ("item-y", "name y", None, 2, "note")]
REPAIRED = [("item-x", "name x", "team", 1, None), ("item-y", "name y", "team", 2, "note")]


@pytest.fixture
def bad(world: World) -> World:
    """Ten good rows, published, and two bad ones in quarantine."""
    world.write("items", [*GOOD, *BAD])
    world.reload()
    return world


def _adds_up(world: World, rows: int, collection: str = "items") -> bool:
    entries = world.ledger["quarantine"].count_documents({"collection": collection, "published": True})
    return bool(world.live[collection].count_documents({}) + entries == rows)


def _entry(world: World, key: Any) -> dict[str, Any]:
    (entry,) = world.ledger["quarantine"].find({"key": [key]})
    return dict(entry)


def test_a_row_that_was_repaired_lands_and_its_entry_is_closed(bad: World) -> None:
    bad.write("items", [*GOOD, REPAIRED[0], BAD[1]])
    replayed = replay(bad, run_id="replay")
    assert ended(replayed) == {"landed": ["item-x"], "gone": [], "remaining": ["item-y"]}
    expected = {"_id": "item-x", "name": "name x", "team": "team", "slot": 1, "note": None}
    assert bad.live["items"].find_one("item-x") == expected
    assert bad.quarantined() == [(["item-y"], "team", "null_value")]
    assert _adds_up(bad, 12)
    assert (bad.run("replay")["status"], bad.run("replay")["landed"]) == ("replayed", 1)


def test_the_document_is_the_one_that_a_sync_would_have_loaded(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    replay(bad)
    by_replay = list(bad.live["items"].find_raw_batches({}).sort("_id", 1))
    bad.reload()
    assert list(bad.live["items"].find_raw_batches({}).sort("_id", 1)) == by_replay


def test_what_landed_is_known_to_the_ledger_so_that_the_next_sync_finds_nothing_foreign(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    replay(bad)
    published = bad.ledger["tables"].find_one({"_id": "small.items"})["published"]
    assert (published["documents"], published["quarantined"]) == (12, 0)
    assert bad.reload().loaded == 12  # its policy refuses foreign documents


def test_a_row_that_is_gone_at_the_source_closes_its_entry_and_is_named(bad: World) -> None:
    bad.write("items", [*GOOD, BAD[1]])
    assert ended(replay(bad)) == {"landed": [], "gone": ["item-x"], "remaining": ["item-y"]}
    assert _adds_up(bad, 11)


def test_a_row_that_is_refused_for_another_reason_now_says_so_and_keeps_when_it_was_first_seen(bad: World) -> None:
    before = _entry(bad, "item-x")
    bad.write("items", [*GOOD, ("item-x", "name x", None, 1, "new note"), BAD[1]])
    replayed = replay(bad)
    after = _entry(bad, "item-x")
    assert (before["column"], after["column"]) == ("name", "team")
    assert after["row"]["note"] == "new note"
    assert after["first_seen"] == before["first_seen"]
    assert after["last_seen"] > before["last_seen"]
    assert {entry["note"] for entry in replayed.remaining} == {after["reason"]}
    assert (after["_id"], after["run_id"], after["published"]) == (before["_id"], before["run_id"], True)


def test_the_spec_of_today_decides_not_the_one_of_the_sync(bad: World) -> None:
    columns = tuple(replace(column, nullable=True) if column.name == "name" else column for column in ITEMS.columns)
    lenient = replace(ITEMS, columns=columns)
    assert ended(replay(bad, lenient)) == {"landed": ["item-x"], "gone": [], "remaining": ["item-y"]}
    assert _entry(bad, "item-y")["spec"] == lenient.fingerprint


def test_only_the_entries_that_are_asked_for_are_touched(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    before = _entry(bad, "item-y")
    assert ended(replay(bad, condition={"column": "name"})) == {"landed": ["item-x"], "gone": [], "remaining": []}
    assert _entry(bad, "item-y") == before
    assert _adds_up(bad, 12)


def test_a_value_that_another_document_has_is_refused_until_that_one_gives_it_up(bad: World) -> None:
    bad.write("items", [*GOOD, ("item-x", "name 3", "team", 1, None), BAD[1]])
    assert ended(replay(bad))["remaining"] == ["item-x", "item-y"]
    assert _entry(bad, "item-x")["code"] == RejectCode.DUPLICATE_VALUE
    assert _adds_up(bad, 12)


def test_what_the_validator_refuses_remains_with_its_reason(bad: World) -> None:
    bad.live.command("collMod", "items", validator={"team": {"$ne": "team"}})
    bad.write("items", [*GOOD, *REPAIRED])
    assert ended(replay(bad))["remaining"] == ["item-x", "item-y"]
    assert _entry(bad, "item-x")["code"] == RejectCode.REFUSED_BY_SERVER
    assert _adds_up(bad, 12)


def test_a_foreign_document_under_the_key_is_neither_replaced_nor_taken_for_ours(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    foreign = {"_id": "item-x", "name": "by the application"}
    bad.live["items"].insert_one(foreign)
    replayed = replay(bad)
    assert [entry["note"] for entry in replayed.remaining] == [FOREIGN]
    assert bad.live["items"].find_one("item-x") == foreign
    with pytest.raises(TargetError, match="1 foreign documents"):
        bad.reload()
    assert ended(replay(bad, policy(ITEMS, foreign_documents="delete"))) == {
        "landed": ["item-x"],
        "gone": [],
        "remaining": [],
    }


def test_of_rows_that_share_a_key_the_first_stays_and_as_many_entries_remain_as_rows_are_left(world: World) -> None:
    twins = [
        ("twin", "name a", "team", 1, None),
        ("twin", "name b", "team", 2, None),
        ("twin", "name c", "team", 3, ""),
    ]
    world.write("items", [*GOOD, *twins])
    world.reload()
    assert len(world.quarantined()) == 2
    assert ended(replay(world)) == {"landed": [], "gone": [], "remaining": ["twin", "twin"]}
    world.write("items", [*GOOD, *twins[1:]])
    assert ended(replay(world)) == {"landed": ["twin"], "gone": [], "remaining": ["twin"]}
    assert world.live["items"].find_one("twin")["name"] == "name b"
    world.write("items", GOOD)
    assert ended(replay(world)) == {"landed": [], "gone": ["twin"], "remaining": []}


def test_entries_that_share_a_key_with_one_that_is_asked_for_are_settled_together(world: World) -> None:
    world.write("items", [*GOOD, ("twin", None, "team", 1, None), ("twin", "name b", "team", 2, None)])
    world.reload()
    assert {code for _, _, code in world.quarantined()} == {"null_value", "duplicate_value"}
    world.write("items", [*GOOD, ("twin", "name b", "team", 2, None)])
    replayed = replay(world, condition={"code": "duplicate_value"})
    assert ended(replayed) == {"landed": ["twin"], "gone": ["twin"], "remaining": []}
    assert _adds_up(world, 11)


def test_a_row_whose_key_cannot_be_asked_for_remains_and_says_why(world: World) -> None:
    world.write("items", [("x" * 70_000, None, "team", 1, None), (b"\xff", None, "team", 2, None)])
    with closing(sqlite3.connect(world.source)) as source, source:
        source.execute("INSERT INTO items VALUES (CAST(x'ff' AS TEXT), 'name', 'team', 3, NULL)")
    world.reload()
    replayed = replay(world)
    assert sorted(entry["note"] for entry in replayed.remaining) == [
        "expected text, found 1 bytes",
        LOST_KEY,
        LOST_KEY,
    ]
    assert _adds_up(world, 3)


def test_many_entries_are_replayed_in_batches_and_each_once(world: World) -> None:
    world.write("numbers", [(n, None if n % 2 else str(n)) for n in range(700)])
    world.reload(NUMBERS)
    world.write("numbers", [(n, str(n) if n % 3 else None) for n in range(700)])
    replayed = replay(world, NUMBERS)
    still = [n for n in range(1, 700, 2) if n % 3 == 0]
    assert sorted(ended(replayed)["remaining"]) == still
    assert len(replayed.landed) == 350 - len(still)
    assert _adds_up(world, 700, "numbers")


def test_a_document_that_lands_has_its_vector(bad: World) -> None:
    wanted = Embedding(dimensions=384, columns=("name",), index=VectorIndex(name="by_meaning", similarity="cosine"))
    embedder = make_embedder("hashing", 384)
    bad.write("items", [*GOOD, REPAIRED[0], BAD[1]])
    assert ended(replay(bad, replace(ITEMS, embedding=wanted), embedder=embedder))["landed"] == ["item-x"]
    document = bad.live["items"].find_one("item-x")
    assert len(document["embedding"]) == 384
    assert document["embedding_info"]["model"] == embedder.model


def test_a_time_series_is_left_to_a_sync(world: World) -> None:
    rows = changed(events(5), 2, zone=None)
    world.write("events", rows)
    world.reload(EVENTS)
    world.write("events", events(5))
    assert [entry["note"] for entry in replay(world, EVENTS).remaining] == [SERIES]
    assert world.live["events"].count_documents({}) == 4
    world.reload(EVENTS)
    assert world.quarantined() == []


def test_a_discarded_row_that_is_refused_as_before_stays_discarded_and_another_one_does_not(bad: World) -> None:
    bad.ledger["quarantine"].update_many({}, {"$set": {"discarded": True, "discarded_at": None}})
    bad.write("items", [*GOOD, BAD[0], ("item-y", "name y", None, 2, "another note")])
    replay(bad)
    assert (_entry(bad, "item-x")["discarded"], _entry(bad, "item-y")["discarded"]) == (True, False)


@pytest.mark.parametrize(
    ("command", "on", "landed"),
    [
        ("update", "{database}_pipeline.ranges", False),
        ("update", "{database}.items", False),
        ("find", "{database}.items", True),
        ("delete", "{database}_pipeline.quarantine", True),
        ("update", "{database}_pipeline.runs", True),
    ],
)
def test_a_killed_replay_loses_nothing_and_the_next_one_ends_it(
    bad: World, command: str, on: str, landed: bool
) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    skip = {"{database}.items": 1 if command == "find" else None, "{database}_pipeline.runs": 3}.get(on)
    with (
        held(bad.client, command, skip=skip, namespace=on.format(database=bad.database)) as waiting,
        replaying(bad, DEAD) as process,
    ):
        waiting.wait()
        assert process.poll() is None
        process.kill()
        process.wait()
    assert (bad.live["items"].count_documents({"_id": {"$in": ["item-x", "item-y"]}}) == 2) is landed
    documents = {one["_id"] for one in bad.live["items"].find({}, {"_id": 1})}
    entries = {entry["key"][0] for entry in bad.ledger["quarantine"].find()}
    assert {row[0] for row in [*GOOD, *REPAIRED]} == documents | entries  # never in neither
    replayed = replay(bad)
    assert replayed.remaining == []
    assert _adds_up(bad, 12)
    assert bad.reload().loaded == 12


def test_a_sync_after_a_killed_replay_heals_it_too(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    namespace = f"{bad.database}_pipeline.quarantine"
    with held(bad.client, "delete", namespace=namespace) as waiting, replaying(bad, DEAD) as process:
        waiting.wait()
        process.kill()
        process.wait()
    facts = bad.reload()
    assert (facts.loaded, facts.quarantined) == (12, 0)
    assert _adds_up(bad, 12)
    assert bad.run(DEAD)["status"] == "died"


def test_a_document_that_was_not_written_as_sent_keeps_its_entry(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    with failing(bad.client, ["update"], namespace=f"{bad.database}.items", errorCode=2), pytest.raises(TargetError):
        replay(bad, run_id="refused")
    assert len(bad.quarantined()) == 2
    assert bad.run("refused")["status"] == "failed"
    assert bad.ledger["tables"].find_one({"_id": "small.items"})["lease"] is None


def test_nothing_is_replayed_while_another_run_holds_the_table(bad: World) -> None:
    bad.write("items", [*GOOD, *REPAIRED])
    with bad.loading(ITEMS), pytest.raises(LeaseHeldError):
        replay(bad)
    assert len(bad.quarantined()) == 2


def test_nothing_is_replayed_once_mongodb_is_the_primary_side(bad: World) -> None:
    bad.ledger["tables"].update_one({"_id": "small.items"}, {"$set": {"primary": "mongo"}})
    bad.write("items", [*GOOD, *REPAIRED])
    with pytest.raises(TargetError, match="primary"):
        replay(bad)
    assert bad.live["items"].count_documents({}) == 10


def test_a_collection_that_is_gone_is_not_made_by_a_replay(bad: World) -> None:
    bad.live["items"].drop()
    with pytest.raises(TargetError, match="does not exist"):
        replay(bad)
    assert bad.live.list_collection_names() == []


def test_a_source_without_a_column_of_the_spec_is_refused(bad: World) -> None:
    more = replace(ITEMS, columns=(*ITEMS.columns, integer("more", nullable=True)), document=())
    with pytest.raises(SourceError, match="more"):
        replay(bad, more)
    assert len(bad.quarantined()) == 2
