"""A part of a table that is synced again: a range of keys or a window of time, and nothing beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from atlas_pipeline.errors import ConfigurationError, TargetError
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.reconcile.proof_tables import AMOUNTS, BLOBS, EVENTS, NUMBERS, SEATS
from atlas_pipeline_tests.resync.syncing import LINES, NOON, Syncing, by_cursor, did, hours, line, lines, with_policy


def start(table: Syncing, spec: TableSpec = LINES) -> None:
    """Rows from 0 to 99 that are in step, and changes all over them."""
    table.insert(*lines(100))
    table.quick(spec)
    for number in (5, 25, 45, 65):
        table.update(number, name="new", changed=NOON + hours(number))
    table.delete(6, 26, 46, 66)
    table.insert(*(line(number, slot=number + 1_000) for number in (150, 250)))
    table.insert(("line-000027a", "between", 5_000, None))


def new_ones(table: Syncing) -> list[str]:
    """Keys of documents that are not as they were at first."""
    return sorted(key for key, one in table.documents().items() if not str(one["name"]).startswith("name "))


def test_a_range_of_keys_is_brought_in_step_and_nothing_else(anywhere: Syncing) -> None:
    start(anywhere)
    facts = anywhere.quick(scope=Scope(first=("line-000020",), before=("line-000040",)))
    assert (facts.mode, facts.read, did(facts)) == ("part", 20, (1, 1, 1, 18))
    assert new_ones(anywhere) == ["line-000025", "line-000027a"]
    assert "line-000006" in anywhere.documents()
    state = anywhere.ledger
    assert state["reconciled"]["run_id"] == state["published"]["run_id"]
    assert (state["published"]["mode"], state["published"]["documents"]) == ("part", 100)
    anywhere.quick()
    assert anywhere.is_proven()


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(first=("line-000060",)), (2, 1, 1, 38)),
        (Scope(before=("line-000010",)), (0, 1, 1, 8)),
        (Scope(first=("line-000025",), before=("line-000026",)), (0, 1, 0, 0)),
        (Scope(first=("line-000500",)), (0, 0, 0, 0)),
        (Scope(first=("a",), before=("z",)), (3, 4, 4, 92)),
    ],
)
def test_a_range_of_keys_may_be_open_at_its_ends(in_sqlite: Syncing, scope: Scope, expected: tuple[int, ...]) -> None:
    start(in_sqlite)
    assert did(in_sqlite.quick(scope=scope)) == expected


def test_a_window_of_time_is_read_by_the_cursor(anywhere: Syncing) -> None:
    spec = by_cursor()
    start(anywhere, spec)
    watermark = anywhere.ledger["published"]["watermark"]
    facts = anywhere.quick(spec, Scope(since=NOON + hours(5), until=NOON + hours(45)))
    assert (facts.mode, facts.read, did(facts)) == ("part", 2, (0, 2, 0, 0))
    assert new_ones(anywhere) == ["line-000005", "line-000025"]
    state = anywhere.ledger
    assert (state["published"]["watermark"], state["published"].get("cursor_syncs", 0)) == (watermark, 0)
    assert did(anywhere.quick(spec, Scope(since=NOON + hours(6)))) == (0, 2, 0, 1)
    assert new_ones(anywhere) == ["line-000005", "line-000025", "line-000045", "line-000065"]


def test_a_window_that_ends_in_the_hour_that_comes_twice_is_whole(anywhere: Syncing) -> None:
    columns = (*LINES.columns[:3], replace(LINES.columns[3], zone="Europe/Berlin"))
    spec = replace(LINES, columns=columns, document=(), changed_at="changed")
    anywhere.insert(*lines(3))
    anywhere.quick(spec)
    anywhere.update(1, name="new", changed="2026-10-25 02:45:00")  # the first time that clocks show it: 00:45 in UTC
    since, until = (datetime(2026, 10, 25, hour, 40, tzinfo=UTC) for hour in (0, 1))
    assert did(anywhere.quick(spec, Scope(since=since, until=until - timedelta(minutes=10)))) == (0, 1, 0, 0)


def test_a_window_of_time_needs_no_cursor_where_the_spec_says_what_changes(in_sqlite: Syncing) -> None:
    spec = replace(LINES, changed_at="changed")
    start(in_sqlite, spec)
    assert did(in_sqlite.quick(spec, Scope(until=NOON + hours(26), since=NOON + hours(25)))) == (0, 1, 0, 0)


def test_a_part_is_synced_with_all_its_checks(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    assert did(in_sqlite.sync(scope=Scope(before=("line-000030",)))) == (1, 2, 2, 26)


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (Scope(since=NOON), "a window of time without a column of moments"),
        (Scope(first=("line-000001",), since=NOON), "together with keys"),
        (Scope(mode="reconcile", first=("line-000001",)), "by another mode"),
        (Scope(first=("line", "000001")), "line, 000001"),
    ],
)
def test_parts_that_make_no_sense_are_refused(in_sqlite: Syncing, scope: Scope, told: str) -> None:
    in_sqlite.insert(*lines(3))
    in_sqlite.quick()
    before = in_sqlite.operations()
    with pytest.raises(ConfigurationError, match=told):
        in_sqlite.quick(scope=scope)
    assert in_sqlite.operations() == before


def test_a_part_of_what_was_never_published_is_refused(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(3))
    with pytest.raises(ConfigurationError, match="was never published"):
        in_sqlite.quick(scope=Scope(first=("line-000001",)))


@pytest.mark.parametrize(
    ("spec", "told"),
    [(BLOBS, "order its keys in different ways"), (AMOUNTS, "order its keys"), (EVENTS, "a part of a time series")],
    ids=["bytes", "decimals", "time series"],
)
def test_a_part_of_a_table_that_has_none_is_refused(in_sqlite: Syncing, spec: TableSpec, told: str) -> None:
    in_sqlite.proof.create(spec, [])
    in_sqlite.of_table(spec)
    with pytest.raises(ConfigurationError, match=told):
        in_sqlite.of_table(spec, Scope(first=("01",)))


def test_a_range_of_numbers_or_of_keys_of_two_columns_is_brought_in_step(anywhere: Syncing) -> None:
    anywhere.proof.create(NUMBERS, [(number, "old") for number in range(-50, 50)])
    anywhere.proof.create(SEATS, [(f"room {room}", seat, "old") for room in range(5) for seat in range(10)])
    for spec in (NUMBERS, SEATS):
        anywhere.of_table(spec)
        anywhere.proof.change(f"UPDATE {spec.source} SET name = 'new'")
    assert did(anywhere.of_table(NUMBERS, Scope(first=("-9",), before=("10",)))) == (0, 19, 0, 0)
    assert did(anywhere.of_table(SEATS, Scope(first=("room 1", "5"), before=("room 3", "0")))) == (0, 15, 0, 0)
    new = anywhere.proof.live(SEATS).count_documents({"name": "new"})
    assert new == 15


def test_a_range_of_keys_that_several_rows_have_is_brought_in_step(in_sqlite: Syncing) -> None:
    in_sqlite.proof.create(NUMBERS, [(number // 2, f"{number}") for number in range(40)], keyed=False)
    assert in_sqlite.of_table(NUMBERS).quarantined == 20
    in_sqlite.proof.change("UPDATE numbers SET name = 'new ' || name")
    in_sqlite.proof.change("DELETE FROM numbers WHERE id = 12")
    facts = in_sqlite.of_table(NUMBERS, Scope(first=("5",), before=("15",)))
    assert (did(facts), facts.quarantined) == ((0, 9, 1, 0), 19)


def test_foreign_documents_of_a_range_follow_the_policy(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(100))
    keys = [f"line-0000{n}x" for n in (10, 30, 50)]
    scope = Scope(first=("line-000020",), before=("line-000040",))
    for policy, left in (("refuse", keys), ("keep", keys), ("delete", ["line-000010x", "line-000050x"])):
        spec = with_policy(foreign_documents=policy)
        in_sqlite.live.delete_many({"_id": {"$in": keys}})
        in_sqlite.quick(spec)
        in_sqlite.live.insert_many([{"_id": key, "slot": key} for key in keys])
        if policy == "refuse":
            with pytest.raises(TargetError, match=r"holds 1 foreign documents.*line-000030x"):
                in_sqlite.quick(spec, scope)
        else:
            assert did(in_sqlite.quick(spec, scope)) == (0, 0, 3 - len(left), 20)
        assert [key for key in in_sqlite.documents() if key in keys] == left


def test_a_part_is_refused_by_a_spec_that_the_rest_was_not_synced_by(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    with pytest.raises(ConfigurationError, match="was never published by the spec"):
        in_sqlite.quick(with_policy(max_shrink_percent=50), Scope(first=("line-000020",)))
