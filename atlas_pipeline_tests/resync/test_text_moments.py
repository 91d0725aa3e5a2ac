"""Windows over moments that SQLite keeps as texts: whatever their forms, no row of a window is left out."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import column, select, table
from sqlalchemy.dialects import sqlite

from atlas_pipeline.extract.snapshot import Window
from atlas_pipeline.extract.text_moments import inside, no_moment, text_bounds
from atlas_pipeline.reconcile.sides import moment_of
from atlas_pipeline.spec.shorthand import utc

# Clocks of the first two were put back at one in the morning UTC of this day; they showed an hour twice.
TURN = datetime(2026, 10, 25, 1, tzinfo=UTC)
ZONES = ("Europe/Berlin", "Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Kiritimati", "UTC")
NEAR = st.integers(-60 * 60 * 50, 60 * 60 * 50).map(lambda seconds: TURN + timedelta(seconds=seconds))
OFFSETS = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A moment in any form that is read as one."""
    moment, kind = draw(NEAR), draw(st.sampled_from(["none", "offset", "Z"]))
    clock = moment.astimezone(draw(OFFSETS)) if kind == "offset" else moment.replace(tzinfo=None)
    clock += timedelta(microseconds=draw(st.sampled_from([0, 1, 1_000, 999_999])))
    text = clock.isoformat(sep=draw(st.sampled_from([" ", "T"])))
    return text + "Z" if kind == "Z" else text


@dataclass
class Answer:
    """What was selected, and how many steps SQLite's machine made for it."""

    found: list[object]
    steps: int = 0

    def step(self) -> int:
        self.steps += 1
        return 0


def answered(values: Sequence[object], window: Window, zone: ZoneInfo, *, declared: str = "TIMESTAMP") -> Answer:
    """What an indexed column gives of the window."""
    source = table("t", column("k"), column("m"))
    moment = source.c.m
    parts = [inside(moment, text_bounds(window, zone)), *(no_moment(moment) if window.nulls else [])]
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"CREATE TABLE t (k VARCHAR(36) PRIMARY KEY, body TEXT, m {declared})")
        connection.execute("CREATE INDEX by_m ON t (m)")
        connection.executemany("INSERT INTO t VALUES (?, '', ?)", [(str(at), value) for at, value in enumerate(values)])
        answer = Answer([])
        connection.set_progress_handler(answer.step, 1)
        for part in parts:
            statement = select(source.c.k, moment).where(part)
            compiled = statement.compile(dialect=sqlite.dialect(paramstyle="qmark"))
            bound = [compiled.params[name] for name in compiled.positiontup or ()]
            answer.found += [value for _, value in connection.execute(str(compiled), bound)]
    return answer


def selected(values: Sequence[object], window: Window, zone: ZoneInfo) -> list[object]:
    return answered(values, window, zone).found


@settings(deadline=None, max_examples=100)
@given(
    values=st.lists(texts(), min_size=1, max_size=20),
    since=st.none() | NEAR,
    until=st.none() | NEAR,
    zone=st.sampled_from(ZONES).map(ZoneInfo),
)
def test_no_row_of_a_window_is_left_out(
    values: list[str], since: datetime | None, until: datetime | None, zone: ZoneInfo
) -> None:
    to_moment = moment_of(replace(utc("m", sql_type="TIMESTAMP"), zone=zone.key))
    found = selected(values, Window(column="m", since=since, until=until), zone)
    for value in values:
        moment = to_moment(value)
        if moment is not None and (since is None or moment >= since) and (until is None or moment < until):
            assert value in found


@pytest.mark.parametrize("form", ["2026-10-25 01:00:00", "2026-10-25T01:00:00", "2026-10-25 01:00:00.000001"])
def test_texts_without_an_offset_are_found_exactly(form: str) -> None:
    moment = datetime.fromisoformat(form).replace(tzinfo=UTC)
    before = (moment - timedelta(seconds=1)).replace(tzinfo=None).isoformat(sep=form[10])
    other = before.translate({ord(" "): "T", ord("T"): " "})
    assert selected([form, before, other], Window(column="m", since=TURN), ZoneInfo("UTC")) == [form]


@pytest.mark.parametrize("value", [None, "", "yesterday", 17, -1.5, b"bytes", "-", "today at 7"])
def test_what_is_no_moment_comes_with_the_rows_without_one(value: object) -> None:
    window = Window(column="m", since=TURN, nulls=True)
    assert selected([value, "2020-01-01 00:00:00"], window, ZoneInfo("UTC")) == [value]
    assert selected([value], Window(column="m", since=TURN), ZoneInfo("UTC")) == []


@pytest.mark.parametrize("declared", ["TIMESTAMP", "TIMESTAMP NOT NULL"])
def test_a_window_costs_what_is_in_it_whatever_the_table_holds_beside(declared: str) -> None:
    window = Window(column="m", since=TURN, until=TURN + timedelta(days=1), nulls=True)
    few, many = (["2020-01-01 00:00:00"] * count for count in (10, 10_000))
    zone = ZoneInfo("Europe/Berlin")
    few_steps, many_steps = (answered(old, window, zone, declared=declared).steps for old in (few, many))
    assert many_steps == few_steps


@pytest.mark.parametrize("since", [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, tzinfo=UTC)])
@pytest.mark.parametrize("zone", ZONES)
def test_a_window_may_begin_and_end_where_years_do(since: datetime, zone: str) -> None:
    values = ["0001-01-01 00:00:00", "9999-12-31 23:59:59"]
    found = selected(values, Window(column="m", since=since, until=since), ZoneInfo(zone))
    assert set(found) <= set(values)
