"""Documents that this pipeline never loaded, in a collection that is synced in place: refused, kept or deleted."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import ObjectId

from atlas_pipeline.errors import AtlasError, DataQualityError, TargetError
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.resync.syncing import NOON, Syncing, by_cursor, did, hours, line, lines, now, with_policy

REFUSE, KEEP, DELETE = (with_policy(foreign_documents=one) for one in ("refuse", "keep", "delete"))
RELOAD, RECONCILE = Scope(mode="reload"), Scope(mode="reconcile")


def theirs(count: int) -> list[dict[str, Any]]:
    """Documents of an application, between and beside those of the table, each with a slot of its own."""
    return [{"_id": f"line-{number:06}-theirs", "slot": f"theirs {number}", "n": number} for number in range(count)]


def of_every_type() -> list[dict[str, Any]]:
    """Documents whose `_id`s are before and behind all texts."""
    ids = [17, 4.5, ObjectId(), {"a": 1}, True, datetime(2026, 1, 1, tzinfo=UTC), b"bytes", None]
    return [{"_id": one, "slot": f"of another type {one}"} for one in ids]


def add(table: Syncing, documents: list[dict[str, Any]]) -> None:
    table.live.insert_many(documents)


def foreign(table: Syncing) -> list[bytes]:
    """The bytes of all documents that are no lines, in order."""
    found = table.live.find_raw_batches({"_id": {"$not": {"$regex": "^line-[0-9]{6}$"}}}).sort("_id", 1)
    return list(found)


@pytest.fixture
def table(in_sqlite: Syncing) -> Syncing:
    """A table in step."""
    in_sqlite.insert(*lines(100))
    in_sqlite.quick(REFUSE)
    return in_sqlite


@pytest.mark.parametrize("scope", [RELOAD, RECONCILE], ids=["reload", "reconcile"])
def test_they_stop_a_sync_before_anything_is_changed_and_are_listed(table: Syncing, scope: Scope) -> None:
    add(table, theirs(1_000))
    table.delete(3)
    table.update(4, name="new")
    table.insert(line(5_000))
    before, operations = table.documents(), table.operations()
    with pytest.raises(TargetError) as refused:
        table.quick(REFUSE, scope)
    told = str(refused.value)
    assert "1,000 foreign documents" in told
    assert [f"'line-{number:06}-theirs'" in told for number in range(21)] == [True] * 20 + [False]
    assert "and 980 more" in told
    assert "'keep' or 'delete'" in told
    assert (table.documents(), table.operations()) == (before, operations)


def test_they_are_kept_through_reconcile_and_reload_byte_for_byte(table: Syncing) -> None:
    add(table, theirs(1_000))
    add(table, of_every_type())
    before = foreign(table)
    table.delete(3, 4)
    table.update(5, name="new")
    table.insert(line(5_000))
    facts = table.quick(KEEP)
    assert (did(facts), facts.kept_foreign) == ((1, 1, 2, 97), 1_008)
    assert foreign(table) == before
    facts = table.quick(KEEP)
    assert (facts.ranges, facts.ranges_unchanged, facts.kept_foreign) == (1, 1, 1_008)
    assert foreign(table) == before
    facts = table.quick(KEEP, RELOAD)
    assert (facts.loaded, facts.kept_foreign) == (99, 1_008)
    assert foreign(table) == before
    facts = table.quick(KEEP)
    assert (did(facts), facts.kept_foreign) == ((0, 0, 0, 99), 1_008)
    assert foreign(table) == before
    assert table.is_proven(KEEP)


def test_they_are_kept_by_a_sync_with_all_its_checks(table: Syncing) -> None:
    add(table, of_every_type())
    table.update(5, name="new")
    assert table.sync(KEEP).kept_foreign == 8


def test_they_are_deleted_only_by_the_policy_that_says_so(table: Syncing) -> None:
    add(table, theirs(300))
    add(table, of_every_type())
    assert did(table.quick(KEEP)) == (0, 0, 0, 100)
    assert did(table.quick(DELETE)) == (0, 0, 308, 100)
    assert foreign(table) == []
    assert table.is_proven(DELETE)


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.parametrize("where", ["line-000000-theirs", "line-000042-theirs", "line-000099-theirs", "a", "z", 1])
def test_one_that_arrives_in_an_unchanged_range_is_found_by_its_count(in_sqlite: Syncing, where: Any) -> None:
    in_sqlite.insert(*lines(100))
    in_sqlite.quick(REFUSE)
    in_sqlite.live.insert_one({"_id": where})
    with pytest.raises(TargetError, match="holds 1 foreign documents"):
        in_sqlite.quick(REFUSE)
    facts = in_sqlite.quick(KEEP)
    assert (facts.kept_foreign, facts.ranges) == (1, 5)
    in_sqlite.live.delete_one({"_id": where})
    assert in_sqlite.quick(REFUSE).kept_foreign == 0
    facts = in_sqlite.quick(REFUSE)
    assert (facts.ranges, facts.ranges_unchanged) == (5, 5)


@pytest.mark.parametrize("by", ["reconcile", "watermark"])
def test_one_with_the_key_of_a_row_is_replaced_only_by_the_policy_that_says_so(in_sqlite: Syncing, by: str) -> None:
    refuse, keep, delete = start_with_the_key_of_a_row(in_sqlite, by, {"name": "theirs"})
    before = in_sqlite.documents()
    for spec in (refuse, keep):
        with pytest.raises(AtlasError, match="line-000050"):
            in_sqlite.quick(spec)
        assert in_sqlite.documents() == before
    in_sqlite.quick(delete)
    assert in_sqlite.documents()["line-000050"]["slot"] == 50
    assert in_sqlite.is_proven(delete)
    assert did(in_sqlite.quick(refuse, RECONCILE)) == (0, 0, 0, 11)


@pytest.mark.parametrize("by", ["reconcile", "watermark"])
def test_one_that_equals_its_row_becomes_ours_only_by_the_policy_that_says_so(in_sqlite: Syncing, by: str) -> None:
    equal = {"name": "name 50", "slot": 50, "changed": NOON + hours(1)}
    refuse, keep, delete = start_with_the_key_of_a_row(in_sqlite, by, equal)
    before = in_sqlite.operations()
    if by == "watermark":  # which finds it equal, and asks for no more
        assert did(in_sqlite.quick(refuse)) == (0, 0, 0, 1)
    for spec in (refuse, keep):
        with pytest.raises(DataQualityError, match="line-000050"):
            in_sqlite.quick(spec, RECONCILE)
    assert did(in_sqlite.quick(delete, RECONCILE)) == (0, 0, 0, 11)
    assert in_sqlite.operations() == before
    assert did(in_sqlite.quick(refuse, RECONCILE)) == (0, 0, 0, 11)
    assert in_sqlite.is_proven(refuse)


def start_with_the_key_of_a_row(table: Syncing, by: str, document: dict[str, Any]) -> list[TableSpec]:
    """Ten rows that are in step, one that is new, and a document of somebody else under its key; the table by each
    policy.
    """
    specs = [
        (by_cursor if by == "watermark" else with_policy)(foreign_documents=policy)
        for policy in ("refuse", "keep", "delete")
    ]
    table.insert(*lines(10))
    table.quick(specs[0])
    table.live.insert_one({"_id": "line-000050", **document})
    table.insert(line(50, changed=NOON + hours(1)))
    table.watermark_at(NOON + hours(0.5))
    return specs


def test_one_that_holds_a_unique_value_and_stays_sends_the_row_that_claims_it_to_quarantine(table: Syncing) -> None:
    table.live.insert_one({"_id": "theirs", "slot": 5_000})
    table.insert(line(5_000))
    facts = table.quick(KEEP)
    assert (facts.inserted, facts.quarantined, facts.kept_foreign) == (0, 1, 1)
    facts = table.quick(KEEP)
    assert (facts.inserted, facts.quarantined, facts.kept_foreign) == (0, 1, 1)
    table.live.delete_one({"_id": "theirs"})
    facts = table.quick(KEEP)
    assert (facts.inserted, facts.quarantined, facts.kept_foreign) == (1, 0, 0)


def test_one_that_holds_a_unique_value_goes_by_the_policy_that_says_so(table: Syncing) -> None:
    table.live.insert_one({"_id": "theirs", "slot": 5_000})
    table.insert(line(5_000))
    assert did(table.quick(DELETE)) == (1, 0, 1, 100)
    assert table.is_proven(DELETE)


def test_a_sync_by_cursor_leaves_them_to_the_next_reconcile(in_sqlite: Syncing) -> None:
    spec = by_cursor()
    in_sqlite.insert(*lines(10))
    in_sqlite.quick(spec)
    add(in_sqlite, theirs(3))
    in_sqlite.insert(line(50, changed=now()))
    assert did(in_sqlite.quick(spec))[:3] == (1, 0, 0)
    with pytest.raises(TargetError, match="3 foreign documents"):
        in_sqlite.quick(spec, RECONCILE)


def test_a_document_whose_key_the_ledger_lost_is_taken_for_a_foreign_one(in_sqlite: Syncing) -> None:
    spec = by_cursor()
    in_sqlite.insert(*lines(10))
    in_sqlite.quick(spec)
    in_sqlite.proof.pipeline["ranges"].delete_many({})
    in_sqlite.update(3, name="new", changed=now())
    with pytest.raises(DataQualityError, match=r"line-000003.*foreign document"):
        in_sqlite.quick(spec)
    with pytest.raises(TargetError, match="foreign documents"):
        in_sqlite.quick(spec, RECONCILE)
