"""A table that is synced by a column of moments: which rows that shows, what it misses, and what is said of both."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from atlas_pipeline.errors import DataQualityError, SourceError
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.resync.syncing import LINES, NOON, Syncing, by_cursor, did, hours, line, lines, now

BY_CURSOR = by_cursor()
RECONCILE = Scope(mode="reconcile")


def start(table: Syncing, spec: TableSpec = BY_CURSOR, count: int = 20) -> None:
    """So many rows, in step, with the watermark an hour after them."""
    table.insert(*lines(count))
    table.quick(spec)
    table.watermark_at(NOON + hours(1))


def test_rows_on_and_behind_the_watermark_are_read(anywhere: Syncing) -> None:
    start(anywhere)
    for number, moment in enumerate((NOON + hours(1), NOON + hours(2), NOON + hours(1) - timedelta(seconds=1))):
        anywhere.update(number, name="new", changed=moment)
    facts = anywhere.quick(BY_CURSOR)
    assert (facts.mode, facts.read, facts.warnings) == ("watermark", 2, [])
    assert did(facts) == (0, 2, 0, 0)
    assert not anywhere.is_proven(BY_CURSOR)


def test_an_overlap_reads_again_and_writes_nothing_that_has_not_changed(in_sqlite: Syncing) -> None:
    spec = by_cursor(overlap=hours(2))
    start(in_sqlite, spec)
    in_sqlite.update(3, name="new")  # its moment stays behind the watermark, and within the overlap
    before = in_sqlite.operations()
    facts = in_sqlite.quick(spec)
    assert (facts.read, did(facts)) == (20, (0, 1, 0, 19))
    assert in_sqlite.operations() == before + 1
    assert in_sqlite.is_proven(spec)


def test_the_watermark_goes_on_with_the_clock_and_never_beyond_it(anywhere: Syncing) -> None:
    start(anywhere)
    began = now()
    facts = anywhere.quick(BY_CURSOR)
    assert facts.watermark is not None
    assert began - timedelta(seconds=11) < facts.watermark < now() - timedelta(seconds=9)
    assert facts.lag_seconds == 10
    stored = anywhere.ledger["published"]["watermark"]
    assert abs(stored - facts.watermark) < timedelta(milliseconds=1)


def test_a_sync_that_fails_leaves_the_watermark_where_it_was(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    in_sqlite.live.insert_one({"_id": "line-000050", "name": "theirs"})
    in_sqlite.insert(line(50, changed=NOON + hours(3)))
    with pytest.raises(DataQualityError, match="line-000050"):
        in_sqlite.quick(BY_CURSOR)
    assert in_sqlite.ledger["published"]["watermark"] == NOON + hours(1)
    in_sqlite.live.delete_one({"_id": "line-000050"})
    assert in_sqlite.quick(BY_CURSOR).inserted == 1


def test_a_moment_that_goes_backwards_is_missed_until_the_reconcile(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    in_sqlite.update(3, name="new", changed=NOON - hours(1))
    assert did(in_sqlite.quick(BY_CURSOR)) == (0, 0, 0, 0)
    assert not in_sqlite.is_proven(BY_CURSOR)
    assert did(in_sqlite.quick(BY_CURSOR, RECONCILE)) == (0, 1, 0, 19)
    assert in_sqlite.is_proven(BY_CURSOR)


def test_rows_without_a_moment_are_read_each_time(anywhere: Syncing) -> None:
    start(anywhere)
    anywhere.insert(line(50, changed=None))
    facts = anywhere.quick(BY_CURSOR)
    assert facts.inserted == 1
    anywhere.update(50, name="new")
    facts = anywhere.quick(BY_CURSOR)
    assert facts.replaced == 1
    assert facts.warnings == ["1 rows have no moment in changed; every sync reads them"]
    assert anywhere.is_proven(BY_CURSOR)


def test_rows_without_a_moment_stop_a_sync_by_the_policy_that_says_so(in_sqlite: Syncing) -> None:
    spec = by_cursor(on_null="error")
    start(in_sqlite, spec)
    assert in_sqlite.quick(spec).mode == "watermark"
    in_sqlite.update(3, name="new", changed=None)
    before = in_sqlite.operations()
    with pytest.raises(SourceError, match="row line-000003 has no moment in changed"):
        in_sqlite.quick(spec)
    assert in_sqlite.operations() == before
    assert did(in_sqlite.quick(spec, RECONCILE)) == (0, 1, 0, 19)


def test_rows_with_a_moment_in_the_future_are_read_each_time_until_then(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    in_sqlite.insert(line(50, changed=now() + hours(24)))
    told = "1 rows have a changed in the future; every sync reads them again until then"
    facts = in_sqlite.quick(BY_CURSOR)
    assert (facts.inserted, facts.warnings) == (1, [told])
    assert facts.watermark is not None
    assert facts.watermark < now()
    in_sqlite.update(50, name="new")
    facts = in_sqlite.quick(BY_CURSOR)
    assert (facts.replaced, facts.warnings) == (1, [told])


@pytest.mark.parametrize("value", ["yesterday", "", 17, b"bytes"])
def test_what_is_no_moment_is_read_each_time_and_waits_in_quarantine(in_sqlite: Syncing, value: Any) -> None:
    start(in_sqlite)
    in_sqlite.proof.change("UPDATE lines SET changed = ? WHERE id = 'line-000003'", value)
    in_sqlite.insert((*line(50)[:3], value))
    facts = in_sqlite.quick(BY_CURSOR)
    assert (facts.inserted, facts.deleted, facts.quarantined) == (0, 1, 2)
    assert facts.warnings == ["2 rows have no moment in changed; every sync reads them"]
    assert in_sqlite.quick(BY_CURSOR).quarantined == 2
    assert in_sqlite.is_proven(BY_CURSOR)
    in_sqlite.update(3, changed=now())
    in_sqlite.update(50, changed=now())
    facts = in_sqlite.quick(BY_CURSOR)
    assert (facts.inserted, facts.quarantined) == (2, 0)
    assert in_sqlite.is_proven(BY_CURSOR)


def test_moments_in_every_form_of_text_are_found(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    forms = (
        "2026-03-01 13:00:00",
        "2026-03-01T13:00:00",
        "2026-03-01 23:30:00+10:00",
        "2026-03-01T06:00:00.5-07:30",
        "2026-03-01T13:00:00Z",
    )
    early = ("2026-03-01T12:59:59", "2026-03-02 00:59:59+12:00", "2026-03-01 12:59:59Z")
    for number, form in enumerate((*forms, *early)):
        in_sqlite.proof.change("UPDATE lines SET name = 'new', changed = ? WHERE slot = ?", form, number)
    assert did(in_sqlite.quick(BY_CURSOR)) == (0, len(forms), 0, 0)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Kolkata"])
def test_moments_of_another_zone_are_found(anywhere: Syncing, zone: str) -> None:
    columns = (*LINES.columns[:3], replace(LINES.columns[3], zone=zone))
    spec = replace(BY_CURSOR, columns=columns, document=())
    anywhere.insert(*lines(20))
    anywhere.quick(spec)
    mark = datetime(2026, 3, 1, 13, tzinfo=ZoneInfo(zone))
    anywhere.watermark_at(mark)
    for number, minutes in enumerate((0, 30, -1)):
        moment = (mark + timedelta(minutes=minutes)).replace(tzinfo=None).isoformat(sep=" ")
        anywhere.update(number, name="new", changed=moment)
    assert did(anywhere.quick(spec)) == (0, 2, 0, 0)


@pytest.mark.parametrize("hour", [0, 1])
def test_moments_of_the_hour_that_comes_twice_are_found(in_sqlite: Syncing, hour: int) -> None:
    columns = (*LINES.columns[:3], replace(LINES.columns[3], zone="Europe/Berlin"))
    spec = replace(BY_CURSOR, columns=columns, document=())
    in_sqlite.insert(*lines(20))
    in_sqlite.quick(spec)
    in_sqlite.update(3, name="new", changed="2026-10-25 02:30:00")  # the first of the two, 00:30 in UTC
    in_sqlite.update(4, name="new", changed="2026-10-25 03:00:00")
    in_sqlite.watermark_at(datetime(2026, 10, 25, hour, 30, tzinfo=UTC))
    assert did(in_sqlite.quick(spec))[:3] == (0, 2 - hour, 0)


def test_a_cursor_without_an_index_is_refused_or_warned_of(anywhere: Syncing) -> None:
    start(anywhere)
    anywhere.proof.change("DROP INDEX lines_changed")
    anywhere.proof.change("CREATE INDEX second ON lines (slot, changed)")
    anywhere.proof.change("CREATE INDEX of_some ON lines (changed) WHERE slot > 5")
    anywhere.insert(line(50, changed=NOON + hours(2)))
    with pytest.raises(SourceError, match=r"no index leads with changed.*unindexed='warn'"):
        anywhere.quick(BY_CURSOR)
    warned = by_cursor(unindexed="warn")
    anywhere.quick(warned, RECONCILE)
    anywhere.watermark_at(NOON + hours(1))
    anywhere.update(50, name="new")
    facts = anywhere.quick(warned)
    assert (facts.mode, facts.replaced) == ("watermark", 1)
    assert facts.warnings == ["Table lines: no index leads with changed, so each sync reads the whole table"]
    anywhere.proof.change("CREATE INDEX first_of_all ON lines (changed, slot)")
    anywhere.quick(BY_CURSOR)
    assert anywhere.quick(BY_CURSOR).warnings == []


def test_one_sync_of_the_whole_table_follows_after_so_many_by_cursor(in_sqlite: Syncing) -> None:
    spec = by_cursor(reconcile_every=2)
    in_sqlite.insert(*lines(20))
    in_sqlite.quick(spec)
    in_sqlite.delete(3)
    seen = []
    for _ in range(6):
        facts = in_sqlite.quick(spec)
        state = in_sqlite.ledger
        seen.append((facts.mode, facts.deleted, state["published"]["cursor_syncs"]))
        whole = state["reconciled"]["run_id"] == state["published"]["synced_by"]
        assert whole == (facts.mode == "reconcile")
    assert [mode for mode, _, _ in seen] == ["watermark", "watermark", "reconcile"] * 2
    assert seen[:3] == [("watermark", 0, 1), ("watermark", 0, 2), ("reconcile", 1, 0)]
    assert in_sqlite.is_proven(spec)


def test_a_schedule_of_its_own_takes_the_place_of_the_count(in_sqlite: Syncing) -> None:
    spec = by_cursor(reconcile_every=0)
    in_sqlite.insert(*lines(5))
    in_sqlite.quick(spec)
    assert {in_sqlite.quick(spec).mode for _ in range(4)} == {"watermark"}
    assert in_sqlite.quick(spec, RECONCILE).mode == "reconcile"


def test_a_table_that_gets_a_cursor_is_compared_once_before(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick(LINES)
    in_sqlite.update(3, name="new", changed=NOON - hours(5))
    assert did(in_sqlite.quick(BY_CURSOR)) == (0, 1, 0, 19)
    assert in_sqlite.quick(BY_CURSOR).mode == "watermark"


def test_counts_that_do_not_add_up_with_the_ledger_stop_the_sync_and_name_the_cure(in_sqlite: Syncing) -> None:
    start(in_sqlite)
    in_sqlite.live.delete_one({"_id": "line-000003"})  # somebody else did
    in_sqlite.update(3, name="new", changed=NOON + hours(2))
    with pytest.raises(DataQualityError, match=r"21 keys; the ledger knows 20.*--mode reconcile"):
        in_sqlite.quick(BY_CURSOR)
    in_sqlite.quick(BY_CURSOR, RECONCILE)
    assert in_sqlite.is_proven(BY_CURSOR)


def test_a_sync_by_cursor_says_what_the_whole_table_was_like_and_when(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(50))
    in_sqlite.sync(BY_CURSOR)
    in_sqlite.insert(line(60, changed=now()))
    outcomes = {one.check.name: one.summary for one in in_sqlite.result(BY_CURSOR).outcomes}
    at = f"{in_sqlite.ledger['reconciled']['at']:%Y-%m-%d %H:%M} UTC"
    assert outcomes["row_count_matches_source"].endswith(f"51 by the ledger. The whole table was counted {at}")
    assert outcomes["references_resolve"].startswith(f"as of {at}: ")
