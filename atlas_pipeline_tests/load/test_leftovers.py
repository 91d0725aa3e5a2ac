"""What `clean` finds on the server: what dead and failed runs left, what is old, and nothing that is somebody's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from atlas_pipeline.load.leftover import Leftover, Limits
from atlas_pipeline.load.leftovers import find, remove
from atlas_pipeline.load.target import Target
from atlas_pipeline.reconcile.records import Records
from atlas_pipeline_tests.load.faults import held
from atlas_pipeline_tests.load.reload_once import reloading
from atlas_pipeline_tests.load.small import ITEMS, NUMBERS, StoppedError, World, items, policy, stop

BAD = ("item-x", None, "team", 1, None)  # one row for the quarantine
RETENTION = timedelta(days=30)
LONG_AGO = datetime.now(UTC) - 2 * RETENTION
KINDS = ["staging collections", "key ranges", "quarantine entries"]


@pytest.fixture
def target(world: World) -> Iterator[Target]:
    world.write("items", [*items(300), BAD])
    world.reload(run_id="published")
    with Target(world.uri) as opened:
        yield opened


def limits(**changes: Any) -> Limits:
    now = datetime.now(UTC)
    return Limits(**{"before": now - RETENTION, "vectors_before": now - RETENTION, **changes})


def told(leftovers: list[Leftover]) -> list[tuple[str, int, bool]]:
    """Kind, count and whether it stays, of each."""
    return [(one.kind, one.count, bool(one.kept)) for one in leftovers]


def content(world: World) -> dict[str, Any]:
    """Everything there is, in both databases."""
    return {
        database.name: {name: list(database[name].find().sort("_id", 1)) for name in database.list_collection_names()}
        for database in (world.live, world.ledger)
    }


def fail(world: World, run_id: str) -> None:
    """A run that read everything and then failed."""
    with pytest.raises(StoppedError):
        world.reload(run_id=run_id, after_copy=stop)


def test_where_nothing_is_left_nothing_is_found_and_nothing_is_written(world: World, target: Target) -> None:
    before = content(world)
    assert find(target, world.catalog, limits()) == remove(target, world.catalog, limits()) == []
    assert content(world) == before


def test_what_a_failed_run_left_goes_and_what_is_published_stays(world: World, target: Target) -> None:
    before, digest = content(world), world.digest()
    fail(world, "failed")
    found = find(target, world.catalog, limits())
    assert told(found) == [(KINDS[0], 300, False), (KINDS[1], 1, False), (KINDS[2], 1, False)]
    assert found[0].place == f"{world.database}.items__staging_failed"
    assert content(world) != before
    assert told(remove(target, world.catalog, limits())) == told(found)
    assert (world.stagings(), world.digest()) == ([], digest)
    after = content(world)
    assert after[world.live.name] == before[world.live.name]
    for name in ("ranges", "quarantine"):
        assert after[world.ledger.name][name] == before[world.ledger.name][name]
    assert world.ledger["tables"].find_one({"_id": "small.items"})["staging"] == []
    assert find(target, world.catalog, limits()) == []
    assert world.reload().loaded == 300


def test_collections_that_only_look_like_ours_are_never_touched(world: World, target: Target) -> None:
    fail(world, "5a1e0000-0000-4000-8000-000000000000")
    theirs = [
        "items__staging_area",  # no run
        "items__staging_5a1e000000001",  # more than a run
        "items__staging",
        "items_staging_5a1e00000000",
        "seats__staging_5a1e00000000",  # a run, but of another table
        "strange__staging_5a1e00000000",  # of no table
        "items__staging_deadbeef0123",  # a run that the ledger does not know
    ]
    for name in theirs:
        world.live[name].insert_one({"_id": name})
    world.live.create_collection("items__staging_0123456789ab", viewOn="items")
    found = remove(target, world.catalog, limits())
    removed = [one.place for one in found if one.kind == KINDS[0] and not one.kept]
    assert removed == [f"{world.database}.items__staging_5a1e00000000"]
    kept = {one.place.partition(".")[2]: one.kept for one in found if one.kept}
    assert kept.keys() == {"items__staging_deadbeef0123", "seats__staging_5a1e00000000"}
    assert all("the ledger knows no run" in why for why in kept.values())
    assert {name: world.live[name].count_documents({}) for name in theirs} == dict.fromkeys(theirs, 1)
    assert "items__staging_0123456789ab" in world.live.list_collection_names()


def test_what_a_running_run_made_stays_and_that_of_others_waits_for_its_end(world: World, target: Target) -> None:
    fail(world, "failed")
    with world.loading(ITEMS, run_id="running") as load:
        load.copy()
        world.live.create_collection("items__staging_failed")  # as when a late write makes it again
        found = remove(target, world.catalog, limits(resumable=True))
        assert [(one.place.partition(".")[2], one.kept) for one in found] == [
            ("items__staging_failed", "a run works on the table; clean again when it has ended"),
            ("ranges of items", "a run works on the table; clean again when it has ended"),
        ]
        assert sorted(world.stagings()) == ["items__staging_failed", "items__staging_running"]
        load.build()
        load.publish()
    assert world.live["items"].count_documents({}) == 300
    remove(target, world.catalog, limits())
    assert world.stagings() == []
    assert world.run("running")["status"] == "published"


def test_what_the_next_sync_goes_on_with_goes_only_when_asked(world: World, target: Target) -> None:
    staging = f"{world.database}.items__staging_dead"
    with held(world.client, "createIndexes", namespace=staging) as waiting, reloading(world, "dead") as process:
        waiting.wait()
        process.kill()
    reloads = replace(world.catalog, tables=(policy(ITEMS, mode="reload"),))
    left = [(KINDS[0], 300), (KINDS[1], 1), (KINDS[2], 1)]
    assert told(remove(target, reloads, limits())) == [(*one, True) for one in left]
    assert all("the next sync goes on with it" in one.kept for one in find(target, reloads, limits()))
    assert told(find(target, reloads, limits(resumable=True))) == [(*one, False) for one in left]
    in_place = find(target, world.catalog, limits())  # the next sync would not go on with it
    assert told(in_place) == [(*one, False) for one in left]
    facts = world.reload()
    assert any("went on with the reload of run dead" in note for note in facts.recovered), facts.recovered
    assert find(target, reloads, limits()) == []


def test_a_dead_run_s_staging_collection_goes_when_the_next_sync_would_not_go_on_with_it(
    world: World, target: Target
) -> None:
    digest = world.digest()
    with held(world.client, "insert", namespace=f"{world.database}.items__staging_dead") as waiting:
        with reloading(world, "dead") as process:
            waiting.wait()
            process.kill()
        remove(target, replace(world.catalog, tables=(policy(ITEMS, mode="reload"),)), limits())
    assert (world.stagings(), world.digest()) == ([], digest)
    assert world.quarantined("key") == [(["item-x"],)]


def test_old_run_records_go_but_the_newest_and_the_published_one(world: World, target: Target) -> None:
    for name in ("old", "older", "newest"):
        fail(world, name)
    remove(target, world.catalog, limits())
    world.ledger["runs"].update_many({}, {"$set": {"started": LONG_AGO}})
    world.ledger["runs"].update_one({"run_id": "newest"}, {"$set": {"started": LONG_AGO + timedelta(days=1)}})
    assert told(find(target, world.catalog, limits())) == [("run records", 2, False)]
    remove(target, world.catalog, limits())
    assert sorted(world.ledger["runs"].distinct("run_id")) == ["newest", "published"]


def test_records_of_verifications_go_when_they_are_old_or_their_collection_is_gone(
    world: World, target: Target
) -> None:
    records = Records(world.ledger, world.catalog, ITEMS)
    facts = {"counts": {"kinds": {}}, "adds_up": True}
    ids = [records.begin(mode="full", bounds=[], ordered=True) for _ in range(4)]
    for one, whole in zip(ids, (False, True, False, False), strict=True):
        records.end(one, "done" if whole else "interrupted", whole=whole, **facts)
    world.ledger["verifications"].update_many({}, {"$set": {"started": LONG_AGO}})
    world.ledger["verifications"].update_one({"_id": ids[3]}, {"$set": {"started": LONG_AGO + timedelta(days=1)}})
    assert told(remove(target, world.catalog, limits())) == [("verifications", 2, False)]
    assert set(world.ledger["verifications"].distinct("_id")) == {ids[1], ids[3]}
    world.live.drop_collection("items")
    assert told(remove(target, world.catalog, limits())) == [("verifications", 2, False)]
    assert world.ledger["verifications"].count_documents({}) == 0


def test_the_leftovers_of_a_table_that_left_the_catalog_are_found_by_the_ledger(world: World, target: Target) -> None:
    before, catalog = content(world), replace(world.catalog, tables=(NUMBERS,))
    fail(world, "failed")
    assert [kind for kind, _, kept in told(remove(target, catalog, limits())) if not kept] == KINDS
    assert world.stagings() == []
    for name in ("ranges", "quarantine"):
        assert content(world)[world.ledger.name][name] == before[world.ledger.name][name]


def test_vectors_that_are_no_longer_used_go(world: World, target: Target) -> None:
    now = datetime.now(UTC)
    vectors = world.ledger["embeddings"]
    vectors.insert_many([{"_id": "old", "used": LONG_AGO}, {"_id": "new", "used": now}])
    assert told(remove(target, world.catalog, limits())) == [("vectors", 1, False)]
    assert vectors.distinct("_id") == ["new"]
