"""Sharded targets: what is sent, to whom, and what is refused. There is no router here.

So the commands are compared with what they must be, a real server is asked what it makes of each (it knows none of
them), and what it hears is listened to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from bson.max_key import MaxKey
from bson.min_key import MinKey
from hypothesis import given
from hypothesis import strategies as st
from pymongo import MongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from atlas_pipeline.commands.findings import examine_collection
from atlas_pipeline.errors import EXIT_CANNOT, SpecError, TargetError
from atlas_pipeline.load import sharding
from atlas_pipeline.load.sharding import (
    commands_of,
    live_key,
    primary_of,
    refusal_of,
    run,
    split_points,
    spread,
    spreading_commands,
)
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import EVENTS, ITEMS, NUMBERS, SEATS, World

RANGE, HASHED = replace(NUMBERS, shard_key="range"), replace(NUMBERS, shard_key="hashed")
BY_ID, BY_HASH = {"_id": 1}, {"_id": "hashed"}
NEW = [7, 0, 5]


class Heard(CommandListener):
    """The commands that a client has sent, as the server was given them."""

    def __init__(self) -> None:
        self.commands: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        own = {"lsid", "$db", "$clusterTime", "$readPreference"}  # what the driver adds to every command
        self.commands.append({name: value for name, value in event.command.items() if name not in own})

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


@pytest.fixture
def heard(world: World) -> Iterator[tuple[MongoClient[dict[str, Any]], Heard]]:
    """A client of the real server, and what that heard of it."""
    listener = Heard()
    with MongoClient[dict[str, Any]](world.uri, tz_aware=True, event_listeners=[listener]) as client:
        client.admin.command("ping")
        listener.commands.clear()
        yield client, listener


def numbers(count: int) -> list[tuple[int, str]]:
    return [(number, f"name {number}") for number in range(count)]


# --- what is sent ---------------------------------------------------------------------------------------------------


def test_by_hash_the_cluster_spreads_the_chunks_itself(world: World) -> None:
    staging = world.live["numbers__staging_run"]
    world.write("numbers", numbers(100))
    with world.sqlite.snapshot() as snapshot:
        sent = commands_of(staging, HASHED, snapshot, ["east", "west"], primary="east")
    assert sent == [
        {"enableSharding": world.database},
        {"shardCollection": f"{world.database}.numbers__staging_run", "key": {"_id": "hashed"}},
    ]


def test_by_ranges_it_is_told_to_spread_those_of_the_source(world: World) -> None:
    staging = world.live["numbers__staging_run"]
    world.write("numbers", numbers(100))
    with world.sqlite.snapshot() as snapshot:
        sent = commands_of(staging, RANGE, snapshot, ["east", "west"], primary="west")
    assert sent[:2] == [
        {"enableSharding": world.database},
        {"shardCollection": f"{world.database}.numbers__staging_run", "key": {"_id": 1}},
    ]
    assert [one["middle"] for one in sent if "split" in one] == [{"_id": at} for at in range(7, 100, 7)]
    assert [(one["bounds"][0], one["to"]) for one in sent if "moveChunk" in one] == [
        ({"_id": at}, "east") for at in range(7, 100, 14)
    ]


def test_chunks_are_split_off_and_dealt_out_in_turn_and_what_is_dealt_to_the_primary_stays() -> None:
    assert spreading_commands("db.c", [10, 20, 30, 40], ["east", "north", "west"], primary="north") == [
        {"split": "db.c", "middle": {"_id": 10}},
        {"split": "db.c", "middle": {"_id": 20}},
        {"split": "db.c", "middle": {"_id": 30}},
        {"split": "db.c", "middle": {"_id": 40}},
        {"moveChunk": "db.c", "bounds": [{"_id": 10}, {"_id": 20}], "to": "east"},
        {"moveChunk": "db.c", "bounds": [{"_id": 20}, {"_id": 30}], "to": "west"},
        {"moveChunk": "db.c", "bounds": [{"_id": 40}, {"_id": MaxKey()}], "to": "east"},
    ]


def test_one_shard_or_one_chunk_moves_nothing() -> None:
    assert spreading_commands("db.c", [1], ["only"], primary="only") == [{"split": "db.c", "middle": {"_id": 1}}]
    assert spreading_commands("db.c", [], ["a", "b"], primary="b") == []


@given(st.sets(st.integers(), max_size=40), st.integers(1, 6))
def test_the_chunks_cover_all_keys_and_no_shard_gets_two_more_than_another(middles: set[int], count: int) -> None:
    shards = [f"shard-{number}" for number in range(count)]
    sent = spreading_commands("db.c", sorted(middles), shards, primary="shard-0")
    moved = {str(one["bounds"][0]["_id"]): one for one in sent if "moveChunk" in one}
    ends: list[Any] = [MinKey(), *sorted(middles), MaxKey()]
    held = Counter(shards)
    for lower, upper in pairwise(ends):
        move = moved.pop(str(lower), None)
        assert move is None or move["bounds"] == [{"_id": lower}, {"_id": upper}]
        held[move["to"] if move else "shard-0"] += 1
    assert moved == {}
    assert held.total() == len(ends) - 1 + count
    assert max(held.values()) - min(held.values()) <= 1


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ({"listShards": 1}, "CommandNotFound"),
        ({"enableSharding": "db"}, "CommandNotFound"),
        ({"shardCollection": "db.c", "key": BY_ID}, "CommandNotFound"),
        ({"split": "db.c", "middle": {"_id": {"room": "a", "seat": 7}}}, "CommandNotFound"),
        # One of a shard's own has this name, and wants what only a router knows.
        ({"moveChunk": "db.c", "bounds": [{"_id": MinKey()}, {"_id": "m"}], "to": "east"}, ""),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_each_command_reaches_the_server_as_it_is_and_a_refusal_is_named(
    heard: tuple[MongoClient[dict[str, Any]], Heard], command: dict[str, Any], code: str
) -> None:
    client, listener = heard
    with pytest.raises(TargetError, match=f"he cluster refused {next(iter(command))}: {code}") as refused:
        run(client, command)
    assert listener.commands == [command]
    assert ("clusterManager" in refused.value.cure, refused.value.exit_code) == (True, EXIT_CANNOT)


@pytest.mark.parametrize("table", [NUMBERS, RANGE, HASHED], ids=lambda table: str(table.shard_key))
def test_a_server_that_is_no_router_hears_of_no_sharding(
    world: World, heard: tuple[MongoClient[dict[str, Any]], Heard], table: TableSpec
) -> None:
    client, listener = heard
    world.write("numbers", numbers(20))
    with world.sqlite.snapshot() as snapshot:
        spread(client[world.database]["numbers__staging_run"], table, snapshot)
    assert listener.commands == ([] if table.shard_key is None else [{"hello": 1}])


@pytest.mark.parametrize("table", [RANGE, HASHED], ids=lambda table: str(table.shard_key))
def test_there_the_table_is_loaded_as_ever_and_the_doctor_says_that_its_shard_key_is_ignored(
    world: World, table: TableSpec
) -> None:
    world.write("numbers", numbers(500))
    plain, sharded = world.reload(NUMBERS), world.reload(table)
    assert (sharded.loaded, sharded.digest) == (500, plain.digest)
    assert [index["name"] for index in world.live["numbers"].list_indexes()] == ["_id_"]
    with Target(world.uri) as target:
        findings = list(examine_collection(target, world.catalog, table, None))
        unsharded = list(examine_collection(target, world.catalog, NUMBERS, None))
    (found,) = (one for one in findings if one.subject == "numbers: sharding")
    assert (found.state, found.detail) == (
        "note",
        f"shard_key={table.shard_key} is ignored: the server is no router of a cluster",
    )
    assert [one for one in unsharded if "sharding" in one.subject] == []


# --- where it is split ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "chunks", "middles"),
    [(100, 4, [25, 50, 75]), (10, 4, [3, 6, 9]), (3, 8, [1, 2]), (1, 8, []), (0, 8, []), (100, 1, [])],
)
def test_the_keys_of_the_source_are_cut_into_parts_of_one_size(
    world: World, rows: int, chunks: int, middles: list[int]
) -> None:
    world.write("numbers", numbers(rows))
    with world.sqlite.snapshot() as snapshot:
        assert split_points(RANGE, snapshot, chunks=chunks) == middles


def test_a_key_of_two_columns_is_split_at_whole_ids(world: World) -> None:
    world.write("seats", [(room, seat, "somebody") for room in ("a", "b") for seat in range(1, 4)])
    with world.sqlite.snapshot() as snapshot:
        middles = split_points(replace(SEATS, shard_key="range"), snapshot, chunks=3)
    assert middles == [{"room": "a", "seat": 3}, {"room": "b", "seat": 2}]


# --- what is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("live", "wanted"), [(None, None), (None, BY_ID), (None, BY_HASH), (BY_ID, BY_ID), (BY_HASH, BY_HASH)]
)
def test_a_collection_can_be_replaced_by_one_that_is_sharded_alike_or_better(
    live: dict[str, Any] | None, wanted: dict[str, Any] | None
) -> None:
    assert refusal_of("db.c", live=live, wanted=wanted, version=NEW, zones=False) is None


@pytest.mark.parametrize(
    ("case", "word"),
    [
        ({"live": BY_ID, "wanted": None}, "a collection that is not sharded"),
        ({"live": {"name": 1}, "wanted": BY_ID}, "sharded by {'_id': 1}"),
        ({"live": BY_ID, "wanted": BY_HASH}, "hashed"),
        ({"wanted": BY_ID, "version": [4, 4, 29]}, "MongoDB 4.4 renames no sharded collection"),
        ({"live": BY_ID, "wanted": BY_ID, "zones": True}, "has zones"),
        ({"zones": True}, "has zones"),
    ],
    ids=str,
)
def test_what_a_rename_would_take_away_or_refuse_is_refused_before(case: dict[str, Any], word: str) -> None:
    usual: dict[str, Any] = {"live": None, "wanted": None, "version": NEW, "zones": False}
    refusal = refusal_of("db.c", **{**usual, **case})
    assert isinstance(refusal, TargetError)
    assert word in refusal.message
    assert refusal.message.startswith("db.c ")
    assert refusal.cure


@contextmanager
def known(world: World, kind: str, *documents: dict[str, Any]) -> Iterator[None]:
    """What a cluster would know, where a cluster keeps it."""
    collection = world.client["config"][kind]
    collection.insert_many(documents)
    try:
        yield
    finally:
        collection.delete_many({"_id": {"$in": [one["_id"] for one in documents]}})


def test_shard_keys_and_primary_shards_are_read_where_a_cluster_keeps_them(world: World) -> None:
    name = world.database
    assert live_key(world.live, "numbers") is None
    with pytest.raises(TargetError, match="does not know database"):
        primary_of(world.live)
    entries = (
        {"_id": f"{name}.numbers", "key": {"_id": "hashed"}},
        {"_id": f"{name}.whole", "key": {"_id": 1}, "unsplittable": True},  # how MongoDB 8 keeps those not sharded
        {"_id": f"{name}.gone", "key": {"_id": 1}, "dropped": True},
    )
    with known(world, "collections", *entries), known(world, "databases", {"_id": name, "primary": "east"}):
        assert live_key(world.live, "numbers") == BY_HASH
        assert live_key(world.live, "whole") is None
        assert live_key(world.live, "gone") is None
        assert primary_of(world.live) == "east"
        sharding.require_replaceable(world.live, NUMBERS)  # for this server is no router, whatever lies there


# --- what a spec may say --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("table", "changes", "word"),
    [
        (NUMBERS, {"shard_key": "name"}, "shard_key='name'"),
        (ITEMS, {"shard_key": "range"}, "unique index by_name"),
        (ITEMS, {"shard_key": "hashed"}, "unique index by_name"),
        (EVENTS, {"shard_key": "range"}, "time series"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_shard_key_that_a_cluster_could_not_keep_is_refused_when_the_spec_is_made(
    table: TableSpec, changes: dict[str, Any], word: str
) -> None:
    with pytest.raises(SpecError, match=table.source) as refused:
        replace(table, **changes)
    assert word in refused.value.message
    assert refused.value.cure


def test_a_shard_key_is_a_part_of_the_spec_and_none_changes_no_fingerprint() -> None:
    assert len({NUMBERS.fingerprint, RANGE.fingerprint, HASHED.fingerprint}) == 3
    assert "shard" not in repr(NUMBERS)
