"""Bytes of raw rows: rows that differ have others, however they are cut into batches and whatever objects hold them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_pipeline.load.fingerprint import raw_bytes_of
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.tables import TableSpec

_MOMENT = datetime(2024, 2, 29, 12, 30, 15, 123_456, tzinfo=UTC)
_VALUES: list[Any] = [
    None, True, False, 0, 1, 2**40, -(2**70), 0.0, -0.0, 1.0, float("inf"), float("nan"), "", "1", "é", "\udc80",
    "a\0b", b"", b"1", Decimal(1), Decimal("1.0"), UUID(int=1), str(UUID(int=1)), _MOMENT, _MOMENT.replace(tzinfo=None),
    _MOMENT.isoformat(), _MOMENT.date(), _MOMENT.date().isoformat(),
    _MOMENT.time(), timedelta(days=1), timedelta(0), [], [None], [1, "1"], [[1], "1"], [_MOMENT], [_MOMENT.isoformat()],
]  # fmt: skip
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
    | st.datetimes() | st.dates() | st.times() | st.timedeltas() | st.decimals(allow_nan=False) | st.uuids(),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=4,
)  # fmt: skip


of_every_kind = pytest.mark.parametrize("kind", [utc, text])
"""Columns whose values are likely to be objects, and others."""


def _bytes(rows: Sequence[tuple[Any, ...]], kind: Callable[[str], ColumnSpec] = utc) -> bytes:
    columns = (integer("key"), *(kind(f"c{number}") for number in range(len(rows[0]) if rows else 1)))
    table = TableSpec(source="rows", collection="rows", key=("key",), columns=columns)
    return raw_bytes_of(table)([(7, *row) for row in rows])


@of_every_kind
def test_values_and_types_are_told_apart(kind: Callable[[str], ColumnSpec]) -> None:
    assert len({_bytes([(value,)], kind) for value in _VALUES}) == len(_VALUES)


@pytest.mark.parametrize("neighbour", [None, 1, "text", _MOMENT, [Decimal(1)]])
def test_a_value_has_the_same_bytes_whatever_else_its_column_holds(neighbour: Any) -> None:
    for value in _VALUES:
        together = _bytes([(neighbour, 7), (value, 8)])
        assert together == _bytes([(neighbour, 7)]) + _bytes([(value, 8)])


@given(st.lists(st.tuples(_values, _values), max_size=8), st.integers(0, 8))
def test_how_rows_are_cut_into_batches_does_not_matter(rows: list[tuple[Any, Any]], at: int) -> None:
    assert _bytes(rows) == _bytes(rows[:at]) + _bytes(rows[at:])


@of_every_kind
def test_which_values_are_one_object_does_not_matter(kind: Callable[[str], ColumnSpec]) -> None:
    word, moment = "".join(["at", "las"]), datetime(2024, 1, 1, tzinfo=UTC)
    again, equal = "".join(["at", "las"]), datetime(2024, 1, 1, tzinfo=UTC)
    assert word is not again
    assert _bytes([(word, word), (moment, moment)], kind) == _bytes([(word, again), (moment, equal)], kind)


def test_columns_do_not_run_into_each_other() -> None:
    rows: list[list[tuple[Any, ...]]] = [
        [("a", "b")],
        [("ab", "")],
        [("a",), ("b",)],
        [("a", "b", None)],
        [(["a", "b"],)],
    ]
    assert len({_bytes(one) for one in rows}) == len(rows)


def test_dates_and_times_of_every_kind_have_bytes() -> None:
    assert _bytes([(date.min, time.max)]) != _bytes([(date.min, time.min)])
