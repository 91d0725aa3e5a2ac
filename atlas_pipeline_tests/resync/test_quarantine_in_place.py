"""Rows that no document can be made of, in a table that is synced in place: they come, change, are repaired and go."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.resync.syncing import LINES, NOON, Syncing, by_cursor, hours, line, lines

WAYS = pytest.mark.parametrize("spec", [LINES, by_cursor()], ids=["reconcile", "watermark"])
LATER = NOON + hours(2)
BAD = "no number"
"""A slot that no integer is made of."""


def sync(table: Syncing, spec: TableSpec) -> tuple[int, int, int, int]:
    """Inserted, replaced, deleted, quarantined; by its cursor, of the rows that have changed at `LATER`."""
    if "published" in table.ledger:
        table.watermark_at(NOON + hours(1))
    facts = table.quick(spec)
    assert table.is_proven(spec)
    assert len(table.quarantined()) == facts.quarantined
    return facts.inserted, facts.replaced, facts.deleted, facts.quarantined


@WAYS
def test_a_row_becomes_bad_changes_is_repaired_and_goes(in_sqlite: Syncing, spec: TableSpec) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick(spec)
    in_sqlite.update(3, slot=BAD, changed=LATER)
    assert sync(in_sqlite, spec) == (0, 0, 1, 1)
    in_sqlite.update(3, name="still bad", changed=LATER)
    assert sync(in_sqlite, spec) == (0, 0, 0, 1)
    assert in_sqlite.entry(3)["row"]["name"] == "still bad"
    in_sqlite.update(3, slot=3, changed=LATER)
    assert sync(in_sqlite, spec) == (1, 0, 0, 0)
    assert in_sqlite.documents()["line-000003"]["name"] == "still bad"
    in_sqlite.update(3, slot=BAD, changed=LATER)
    assert sync(in_sqlite, spec) == (0, 0, 1, 1)
    in_sqlite.delete(3)
    assert sync(in_sqlite, spec) == (0, 0, 0, 0)


@WAYS
def test_a_bad_row_that_is_new_is_quarantined_once(in_sqlite: Syncing, spec: TableSpec) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick(spec)
    in_sqlite.insert((*line(50)[:2], BAD, line(50, changed=LATER)[3]))
    for _ in range(3):
        assert sync(in_sqlite, spec) == (0, 0, 0, 1)
    facts = in_sqlite.quick(spec, Scope(mode="reload"))
    assert (facts.loaded, facts.quarantined) == (20, 1)
    assert sync(in_sqlite, spec) == (0, 0, 0, 1)


def test_bad_rows_of_the_first_load_are_repaired_in_place(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.update(3, slot=BAD)
    in_sqlite.update(4, slot=BAD)
    assert in_sqlite.quick().quarantined == 2
    facts = in_sqlite.quick()
    assert (facts.quarantined, facts.unchanged, facts.ranges_unchanged) == (2, 18, 1)
    in_sqlite.update(3, slot=3)
    in_sqlite.delete(4)
    assert sync(in_sqlite, LINES) == (1, 0, 0, 0)


def test_a_row_that_was_repaired_lands_though_the_cursor_does_not_show_it(in_sqlite: Syncing) -> None:
    spec = by_cursor()
    in_sqlite.insert(*lines(20))
    in_sqlite.update(3, slot=BAD)
    assert in_sqlite.quick(spec).quarantined == 1
    in_sqlite.update(3, slot=3)
    assert sync(in_sqlite, spec) == (1, 0, 0, 0)


def test_the_error_budget_fails_the_run_and_the_good_rows_are_there(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick()
    in_sqlite.insert((*line(50)[:2], BAD, None), line(51))
    result = in_sqlite.result()
    (failed,) = (one for one in result.outcomes if not one.passed)
    assert (failed.check.name, failed.facts["quarantined"]) == ("no_rejected_rows", 1)
    assert result.published
    assert result.facts.inserted == 1


def keyless(table: Syncing, *ids: str | bytes | None) -> None:
    """Insert rows with keys that no document can have."""
    with closing(sqlite3.connect(table.proof.url.removeprefix("sqlite:///"))) as file, file:
        for identifier in ids:
            value = "CAST(? AS TEXT)" if isinstance(identifier, bytes) else "?"
            file.execute(f"INSERT INTO lines VALUES ({value}, 'without a key', NULL, NULL)", (identifier,))


@pytest.mark.usefixtures("small_ranges")
@pytest.mark.parametrize("key", [None, b"line-000042\xff"], ids=["null", "not utf-8"])
def test_rows_without_a_key_that_can_be_asked_for_come_and_go(in_sqlite: Syncing, key: bytes | None) -> None:
    in_sqlite.insert(*lines(100))
    in_sqlite.quick()
    keyless(in_sqlite, key)
    assert sync(in_sqlite, LINES) == (0, 0, 0, 1)
    assert sync(in_sqlite, LINES) == (0, 0, 0, 1)
    in_sqlite.update(70, name="new")
    assert sync(in_sqlite, LINES) == (0, 1, 0, 1)
    in_sqlite.proof.change("DELETE FROM lines WHERE name = 'without a key'")
    assert sync(in_sqlite, LINES) == (0, 0, 0, 0)
    facts = in_sqlite.quick()
    assert facts.unchanged == 100


def test_several_rows_without_a_key_are_each_accounted_for(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(10))
    keyless(in_sqlite, None)
    assert in_sqlite.quick().quarantined == 1
    keyless(in_sqlite, None, None)
    assert sync(in_sqlite, LINES) == (0, 0, 0, 3)
    in_sqlite.proof.change("DELETE FROM lines WHERE rowid IN (SELECT rowid FROM lines WHERE id IS NULL LIMIT 2)")
    assert sync(in_sqlite, LINES) == (0, 0, 0, 1)


@pytest.mark.usefixtures("small_ranges")
def test_more_rows_without_a_key_than_memory_holds_are_each_accounted_for(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick()
    keyless(in_sqlite, *([None] * 200))
    assert sync(in_sqlite, LINES) == (0, 0, 0, 200)
    assert sync(in_sqlite, LINES) == (0, 0, 0, 200)
