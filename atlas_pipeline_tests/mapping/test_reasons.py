"""The reason of a refusal says what shape was found and never repeats the value, which may be a secret."""

from __future__ import annotations

from typing import Any

import pytest

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping import values
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.mapping.refusals import nested, refusal

MARKER = "marker-5e1f"

TEXTS = {ValueType.TEXT, ValueType.TEXT_LIST}
"""Types that take any text."""

MARKED: list[tuple[ValueType, Any]] = [
    *((value_type, Undecodable(MARKER.encode() + b"\xff")) for value_type in values.CANONICAL),
    *((value_type, MARKER.encode()) for value_type in values.CANONICAL if value_type is not ValueType.BINARY),
    *((value_type, MARKER) for value_type in values.CANONICAL if value_type not in TEXTS),
    *((value_type, MARKER + "\ud83d") for value_type in values.CANONICAL),
    (ValueType.TEXT_LIST, f'["{MARKER}", 1]'),
    (ValueType.JSON, f'{{"{MARKER}": NaN}}'),
    (ValueType.JSON, f'{{"{MARKER}": 1, "{MARKER}": 2}}'),
    (ValueType.JSON, f'{{"{MARKER}\\u0000": 1}}'),
    (ValueType.JSON, f'["{MARKER}\\ud83d"]'),
    (ValueType.JSON, f'["{MARKER}", 1e999]'),
    (ValueType.JSON, f'["{MARKER}\\x"]'),
    (ValueType.JSON, f'["{MARKER}"'),
    (ValueType.JSON, f"'{MARKER}'"),
    (ValueType.JSON, nested(150, f'"{MARKER}"')),
    (ValueType.JSON_OBJECT, f'["{MARKER}"]'),
    (ValueType.JSON_ARRAY, f'{{"{MARKER}": 1}}'),
    (ValueType.JSON_ARRAY, f'"{MARKER}"'),
]


@pytest.mark.parametrize(("value_type", "value"), MARKED)
def test_no_reason_repeats_the_value(value_type: ValueType, value: Any) -> None:
    error = refusal(values.CANONICAL[value_type], value)
    shown = f"{error} {error!r} {error.args} {error.code} {error.reason}"
    assert error.reason
    assert MARKER not in shown
    assert error.__suppress_context__ or error.__context__ is None


def test_no_reason_repeats_a_number() -> None:
    for value_type, value in (
        (ValueType.TEXT, 918273645),
        (ValueType.INTEGER, 918273645.5),
        (ValueType.INTEGER, 918273645 * 2**64),
        (ValueType.DOUBLE, 918273645 * 2**32),
        (ValueType.BOOLEAN, 918273645),
        (ValueType.DATETIME, 918273645),
        (ValueType.JSON, "[918273645000000000000]"),
        (ValueType.JSON_OBJECT, 918273645),
    ):
        assert "918273645" not in refusal(values.CANONICAL[value_type], value).reason


def test_every_value_type_has_one_canonical_function() -> None:
    assert {*values.CANONICAL, ValueType.ARRAY} == set(ValueType)  # that of an array depends on its items
    assert len(set(values.CANONICAL.values())) == len(values.CANONICAL)


def test_an_array_refuses_with_the_reason_of_its_item() -> None:
    of_dates = ColumnSpec(name="days", sql_type="DATE[]", value=ValueType.ARRAY, items=ValueType.DATE)
    error = refusal(values.canonical_of(of_dates), ["2025-01-01", [MARKER]])
    assert error.code is RejectCode.NOT_DATE
    assert MARKER not in error.reason
