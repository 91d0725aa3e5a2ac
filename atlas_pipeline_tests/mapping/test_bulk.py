"""A column converted at once holds what the canonical function gives of each value, or is not converted at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atlas_pipeline.mapping.bulk import at_once
from atlas_pipeline.mapping.reject import ValueRejectedError
from atlas_pipeline.mapping.values import canonical_of
from atlas_pipeline.spec.columns import ColumnSpec
from atlas_pipeline.spec.shorthand import boolean, double, text, utc

COLUMNS = {
    "double": double("c"),
    "boolean": boolean("c"),
    "moment": utc("c"),
    "moment, cut": utc("c", inexact="milliseconds"),
    "moment, with a companion": utc("c", inexact="microseconds"),
    "moment, or its text": utc("c", inexact="text"),
}
_moments = st.datetimes(timezones=st.sampled_from([None, UTC, timezone(timedelta(hours=2))]))
_texts = st.one_of(
    _moments.map(str),
    _moments.map(lambda moment: moment.isoformat(timespec="milliseconds")),
    st.sampled_from(["2026-02-30 00:00:00", "2026-01-01 24:00:00", "2026-01-01 10:00:00\n", "2026-W01-1 10:00:00", ""]),
)
_of_one_kind = st.one_of(
    *(st.lists(st.none() | kind, min_size=1, max_size=4) for kind in (_moments, _texts, st.floats(allow_nan=False))),
    *(st.lists(st.none() | kind, min_size=1, max_size=4) for kind in (st.booleans(), st.integers(-1, 2))),
)
_odd = st.one_of(st.none(), _moments, _texts, st.booleans(), st.integers(), st.binary())
_any = st.lists(_odd, min_size=1, max_size=4)


def one_by_one(column: ColumnSpec, values: Sequence[Any]) -> tuple[list[Any], int]:
    """What the canonical function gives of each value, and how often the policy was applied."""
    applied: list[None] = []
    canonical = canonical_of(column, applied.append)
    return [None if value is None else canonical(value) for value in values], len(applied)


@pytest.mark.parametrize("name", COLUMNS)
@given(values=_of_one_kind | _any)
def test_what_is_converted_at_once_is_what_the_canonical_function_gives(name: str, values: list[Any]) -> None:
    convert = at_once(COLUMNS[name])
    assert convert is not None
    if (found := convert(values)) is None:
        return
    converted, applied = found
    expected, expected_applied = one_by_one(COLUMNS[name], values)
    assert list(map(repr, converted)) == list(map(repr, expected))  # of the same types, zones included
    assert applied == expected_applied


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("double", [1.5, None, -0.0]),
        ("boolean", [0, 1, None]),
        ("boolean", [True, None]),
        ("moment", ["2026-01-01 10:00:00", None, "2026-01-01T10:00:00.123000"]),
        ("moment", [datetime(2026, 1, 1, tzinfo=UTC)]),
        ("moment", [datetime(2026, 1, 1), None]),  # noqa: DTZ001 - as a driver gives it
        ("moment, cut", ["2026-01-01 10:00:00.123456", "2026-01-01 10:00:00"]),
    ],
)
def test_plain_values_are_converted_at_once(name: str, values: list[Any]) -> None:
    convert = at_once(COLUMNS[name])
    assert convert is not None
    assert convert(values) is not None


@pytest.mark.parametrize(
    ("name", "value"), [("moment", "2026-01-01 10:00:00.123456"), ("boolean", 2), ("moment", "2026-02-30 10:00:00")]
)
def test_what_the_canonical_function_refuses_is_left_to_it(name: str, value: Any) -> None:
    convert = at_once(COLUMNS[name])
    assert convert is not None
    assert convert([None, value]) is None
    with pytest.raises(ValueRejectedError):
        one_by_one(COLUMNS[name], [value])


def test_a_column_with_a_rule_of_its_own_is_not_converted_at_once() -> None:
    assert at_once(utc("c", default='"2026-01-01"')) is None
    assert at_once(utc("c", zone="Europe/Berlin")) is None
    assert at_once(text("c")) is None
