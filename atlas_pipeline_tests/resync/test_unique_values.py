"""Rows that exchange, pass on and fight over unique values: valid data never fails, and a duplicate is refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import pytest

from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.reconcile import points, rounds
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.resync.syncing import LINES, NOON, Syncing, by_cursor, did, line, lines

WAYS = pytest.mark.parametrize("spec", [LINES, by_cursor()], ids=["reconcile", "watermark"])
LATER = NOON + timedelta(hours=1)


def synced(table: Syncing, spec: TableSpec, count: int) -> None:
    """So many rows, in step, before `LATER`."""
    table.insert(*lines(count))
    sync(table, spec)


def sync(table: Syncing, spec: TableSpec) -> LoadFacts:
    """A sync that a cursor shows what has changed at `LATER`."""
    if "published" in table.ledger:
        table.watermark_at(LATER)
    return table.quick(spec)


def give(table: Syncing, slots: Sequence[tuple[int, int]]) -> None:
    """Let rows have these slots, all at once."""
    table.proof.change("UPDATE lines SET slot = -1 - slot")
    with table.proof.connected() as execute:
        for number, slot in slots:
            moment = LATER.replace(tzinfo=None).isoformat(sep=" ")
            execute("UPDATE lines SET slot = ?, changed = ? WHERE id = ?", slot, moment, f"line-{number:06}")
        execute("UPDATE lines SET slot = -1 - slot WHERE slot < 0")


def in_step(table: Syncing, spec: TableSpec) -> bool:
    """Whether nothing is in quarantine, and all is equal row by row."""
    return table.quarantined() == [] and table.is_proven(spec)


@WAYS
def test_two_rows_swap_a_unique_value(anywhere: Syncing, spec: TableSpec) -> None:
    synced(anywhere, spec, 20)
    give(anywhere, [(3, 17), (17, 3)])
    assert did(sync(anywhere, spec))[:3] == (0, 2, 0)
    assert in_step(anywhere, spec)


@WAYS
def test_a_hundred_rows_rotate_their_unique_values(in_sqlite: Syncing, spec: TableSpec) -> None:
    synced(in_sqlite, spec, 120)
    give(in_sqlite, [(number, (number + 1) % 100) for number in range(100)])
    assert did(sync(in_sqlite, spec))[:3] == (0, 100, 0)
    assert in_step(in_sqlite, spec)


@WAYS
@pytest.mark.parametrize("by", [1, -1])
def test_all_rows_pass_their_unique_values_on(in_sqlite: Syncing, spec: TableSpec, by: int) -> None:
    synced(in_sqlite, spec, 120)
    give(in_sqlite, [(number, number + by + 1_000) for number in range(120)])
    sync(in_sqlite, spec)
    give(in_sqlite, [(number, number + 2 * by + 1_000) for number in range(120)])
    assert did(sync(in_sqlite, spec))[:3] == (0, 120, 0)
    assert in_step(in_sqlite, spec)


@WAYS
@pytest.mark.parametrize("to", [5, 45])
def test_a_row_moves_to_another_key_with_its_unique_value(in_sqlite: Syncing, spec: TableSpec, to: int) -> None:
    synced(in_sqlite, spec, 20)
    synced_before = in_sqlite.documents()
    in_sqlite.delete(5)
    sync(in_sqlite, spec)  # by its cursor the table is not told that the row is gone
    in_sqlite.delete(15)
    in_sqlite.insert(line(to, slot=15, changed=LATER))
    sync(in_sqlite, spec)
    after = in_sqlite.documents()
    assert after[f"line-{to:06}"]["slot"] == 15
    assert "line-000015" in synced_before
    assert "line-000015" not in after
    assert in_sqlite.quarantined() == []
    if spec is LINES:
        assert in_sqlite.is_proven()


@WAYS
def test_a_value_changes_hands_though_the_cursor_shows_one_of_the_rows_only(
    in_sqlite: Syncing, spec: TableSpec
) -> None:
    synced(in_sqlite, spec, 20)
    in_sqlite.update(3, slot=500)  # and its moment stays what it was
    in_sqlite.update(7, slot=3, changed=LATER)
    assert did(sync(in_sqlite, spec))[:3] == (0, 2, 0)
    assert in_step(in_sqlite, spec)


@WAYS
def test_a_cycle_that_is_longer_than_what_memory_holds_ends_in_step(
    in_sqlite: Syncing, spec: TableSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "KEYS_AT_ONCE", 10)
    monkeypatch.setattr(points, "KEYS_AT_ONCE", 10)
    synced(in_sqlite, spec, 40)
    give(in_sqlite, [(number, (number + 1) % 40) for number in range(40)])
    sync(in_sqlite, spec)
    assert in_step(in_sqlite, spec)


@WAYS
def test_of_two_new_rows_with_one_value_the_lower_key_stays_until_it_goes(in_sqlite: Syncing, spec: TableSpec) -> None:
    synced(in_sqlite, spec, 10)
    in_sqlite.insert(line(51, slot=500, changed=LATER), line(50, slot=500, changed=LATER))
    facts = sync(in_sqlite, spec)
    assert (facts.inserted, facts.quarantined) == (1, 1)
    assert in_sqlite.quarantined() == [(["line-000051"], "duplicate_value")]
    assert "line-000051" not in in_sqlite.documents()
    assert in_sqlite.is_proven(spec)
    sync(in_sqlite, spec)
    assert in_sqlite.quarantined() == [(["line-000051"], "duplicate_value")]
    in_sqlite.update(50, slot=501, changed=LATER)
    facts = sync(in_sqlite, spec)
    assert (facts.inserted, facts.replaced, facts.quarantined) == (1, 1, 0)
    assert in_step(in_sqlite, spec)


def test_a_duplicate_lands_when_the_row_in_its_way_is_gone(in_sqlite: Syncing) -> None:
    synced(in_sqlite, LINES, 10)
    in_sqlite.insert(line(50, slot=5))
    assert in_sqlite.quick().quarantined == 1
    in_sqlite.delete(5)
    facts = in_sqlite.quick()
    assert (facts.inserted, facts.deleted, facts.quarantined) == (1, 1, 0)
    assert in_step(in_sqlite, LINES)


@WAYS
def test_a_row_that_changes_to_a_value_that_another_one_has_leaves_the_collection(
    in_sqlite: Syncing, spec: TableSpec
) -> None:
    synced(in_sqlite, spec, 10)
    in_sqlite.update(7, slot=5, changed=LATER)
    facts = sync(in_sqlite, spec)
    assert (facts.deleted, facts.quarantined) == (1, 1)
    assert "line-000007" not in in_sqlite.documents()
    assert in_sqlite.is_proven(spec)
    in_sqlite.update(7, slot=700, changed=LATER)
    facts = sync(in_sqlite, spec)
    assert (facts.inserted, facts.quarantined) == (1, 0)
    assert in_step(in_sqlite, spec)


def test_what_a_person_has_discarded_stays_discarded(in_sqlite: Syncing) -> None:
    synced(in_sqlite, LINES, 10)
    in_sqlite.insert(line(50, slot=5))
    in_sqlite.quick()
    in_sqlite.discard()
    for _ in range(2):
        facts = in_sqlite.quick()
        assert (facts.quarantined, facts.discarded) == (1, 1)
    in_sqlite.update(50, name="another row by now")
    facts = in_sqlite.quick()
    assert (facts.quarantined, facts.discarded) == (1, 0)


def test_a_duplicate_that_is_tried_again_in_vain_does_not_cost_its_range_a_comparison(in_sqlite: Syncing) -> None:
    synced(in_sqlite, LINES, 10)
    in_sqlite.insert(line(50, slot=5))
    in_sqlite.quick()
    for _ in range(3):
        facts = in_sqlite.quick()
        assert (facts.ranges, facts.ranges_unchanged) == (1, 1)
