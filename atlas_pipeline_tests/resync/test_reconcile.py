"""A table that is synced by comparing all of it: what changed is brought over, and nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.resync.syncing import LINES, NOON, Syncing, by_cursor, did, hours, line, lines

CHANGES = (150, 200, 120, 2_680)
"""Inserted, replaced, deleted, unchanged."""


def change(table: Syncing) -> None:
    """Insert, update and delete rows all over a table of 3,000."""
    table.insert(*(line(number, changed=NOON + hours(1)) for number in range(5_000, 5_150)))
    with table.proof.connected() as execute:
        for number in range(200):
            moment = (NOON + hours(1)).replace(tzinfo=None).isoformat(sep=" ")
            execute("UPDATE lines SET name = ?, changed = ? WHERE id = ?", "new", moment, f"line-{number * 13:06}")
    table.delete(*(number * 13 + 1 for number in range(120)))


def test_one_sync_brings_over_what_was_inserted_changed_and_deleted(anywhere: Syncing) -> None:
    anywhere.insert(*lines(3_000))
    assert did(anywhere.quick()) == (3_000, 0, 0, 0)
    change(anywhere)
    facts = anywhere.sync()
    assert (facts.mode, facts.read, facts.source_rows, facts.loaded) == ("reconcile", 3_030, 3_030, 3_030)
    assert did(facts) == CHANGES
    assert anywhere.is_proven()
    assert anywhere.documents()["line-000013"]["name"] == "new"


def test_a_sync_by_cursor_and_one_of_the_whole_table_do_the_same_together(anywhere: Syncing) -> None:
    spec = by_cursor()
    anywhere.insert(*lines(3_000))
    assert did(anywhere.quick(spec)) == (3_000, 0, 0, 0)
    anywhere.watermark_at(NOON + hours(0.5))
    change(anywhere)
    facts = anywhere.sync(spec)
    assert (facts.mode, facts.read) == ("watermark", 350)
    assert did(facts) == (150, 200, 0, 0)
    facts = anywhere.sync(spec, Scope(mode="reconcile"))
    assert did(facts) == (0, 0, 120, 3_030)
    assert anywhere.is_proven(spec)


def test_an_unchanged_table_is_read_and_neither_mapped_nor_written(in_sqlite: Syncing, small_ranges: None) -> None:
    in_sqlite.insert(*lines(200))
    in_sqlite.quick()
    before, live = in_sqlite.operations(), in_sqlite.documents()
    for _ in range(2):
        facts = in_sqlite.quick()
        assert did(facts) == (0, 0, 0, 200)
        assert (facts.ranges, facts.ranges_unchanged) == (10, 10)
    assert (in_sqlite.operations(), in_sqlite.documents()) == (before, live)


def test_only_documents_that_differ_are_written(anywhere: Syncing) -> None:
    anywhere.insert(*lines(500))
    anywhere.quick()
    anywhere.insert(line(900))
    anywhere.update(3, name="new")
    anywhere.delete(4, 5)
    before = anywhere.operations()
    assert did(anywhere.quick()) == (1, 1, 2, 497)
    assert anywhere.operations() == before + 4


def test_rows_that_are_written_again_as_they_were_are_not_written_to_the_collection(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(50))
    in_sqlite.quick()
    before = in_sqlite.operations()
    in_sqlite.delete(7)
    in_sqlite.insert(line(7))
    in_sqlite.update(8, name="name 8")
    assert did(in_sqlite.quick()) == (0, 0, 0, 50)
    assert in_sqlite.operations() == before


def test_a_document_that_somebody_changed_is_found_when_its_range_is_compared(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(50))
    in_sqlite.quick()
    in_sqlite.live.update_one({"_id": "line-000002"}, {"$set": {"name": "theirs"}})
    in_sqlite.live.delete_one({"_id": "line-000003"})
    assert did(in_sqlite.quick()) == (1, 1, 0, 48)
    assert in_sqlite.is_proven()


def test_a_policy_of_reloads_can_be_asked_to_reconcile_and_the_other_way_round(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick()
    in_sqlite.update(3, name="new")
    facts = in_sqlite.sync(scope=Scope(mode="reload"))
    assert (facts.mode, facts.inserted) == ("reload", 20)
    in_sqlite.update(3, name="newer")
    assert did(in_sqlite.quick()) == (0, 1, 0, 19)


@pytest.mark.parametrize("mode", ["policy", "reconcile"])
def test_the_first_sync_is_always_a_reload(in_sqlite: Syncing, mode: str) -> None:
    in_sqlite.insert(*lines(3))
    assert in_sqlite.quick(scope=Scope(mode=mode)).mode == "reload"  # type: ignore[arg-type]


def test_a_table_without_rows_is_filled_later(in_sqlite: Syncing) -> None:
    assert did(in_sqlite.quick()) == (0, 0, 0, 0)
    assert did(in_sqlite.quick()) == (0, 0, 0, 0)
    in_sqlite.insert(*lines(700, start=500))
    assert did(in_sqlite.quick()) == (700, 0, 0, 0)
    in_sqlite.insert(*lines(300), line(9_000))
    assert did(in_sqlite.quick()) == (301, 0, 0, 700)
    assert did(in_sqlite.quick()) == (0, 0, 0, 1_001)
    assert in_sqlite.is_proven()


def test_the_ledger_says_when_the_whole_table_was_compared(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(10))
    in_sqlite.quick()
    first = in_sqlite.ledger
    assert first["reconciled"]["run_id"] == first["published"]["run_id"]
    in_sqlite.insert(line(10))
    in_sqlite.quick()
    state = in_sqlite.ledger
    published = state["published"]
    assert published["run_id"] == first["published"]["run_id"]
    assert published["synced_by"] == state["reconciled"]["run_id"] != published["run_id"]
    assert state["reconciled"]["at"] > first["reconciled"]["at"]
    assert (published["mode"], published["documents"], published["source_rows"]) == ("reconcile", 11, 11)
    assert in_sqlite.runs("status", "mode", "inserted") == [("published", "reload", 10), ("published", "reconcile", 1)]


@pytest.mark.parametrize("spec", [LINES, by_cursor()], ids=["reconcile", "watermark"])
def test_a_verification_waits_for_no_sync_that_has_been(in_sqlite: Syncing, spec: TableSpec) -> None:
    spec = replace(spec, changed_at="changed")
    in_sqlite.insert(*lines(10))
    in_sqlite.quick(spec)
    in_sqlite.watermark_at(NOON + hours(1))
    in_sqlite.update(3, name="new", changed=NOON + hours(2))
    assert in_sqlite.proof.verify(spec).tally.pending == 1
    in_sqlite.quick(spec)
    in_sqlite.live.update_one({"_id": "line-000003"}, {"$set": {"name": "theirs"}})
    verification = in_sqlite.proof.verify(spec)
    assert (verification.tally.pending, verification.tally.differences) == (0, 1)
