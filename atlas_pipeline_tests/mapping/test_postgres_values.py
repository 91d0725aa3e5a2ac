"""The canonical functions of values that a typed source has: moments, days, decimals, UUIDs, bytes, arrays."""

from __future__ import annotations

import math
import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import bson
import pytest
from bson import Binary, Decimal128

from atlas_pipeline.errors import SpecError
from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping import values
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline_tests.mapping.refusals import refusal, same

NOON = datetime(2025, 7, 1, 12, 0, 0, 123_456, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
HEX = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"


def column(value: ValueType, **options: Any) -> ColumnSpec:
    return ColumnSpec(name="a", sql_type="ANY", value=value, **options)


@pytest.mark.parametrize(
    "value",
    [
        NOON,
        NOON.replace(tzinfo=None),
        NOON.astimezone(timezone(timedelta(hours=5, minutes=30))),
        NOON.astimezone(BERLIN),
        NOON.replace(tzinfo=ZoneInfo("UTC")),
        "2025-07-01 12:00:00.123456",
        "2025-07-01T14:00:00.123456+02:00",
    ],
)
def test_a_moment_is_in_utc_whatever_it_came_as(value: Any) -> None:
    found = values.utc_datetime(value)
    assert (found, found.tzinfo) == (NOON, UTC)


@pytest.mark.parametrize(
    "value",
    [
        datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        datetime(9999, 12, 31, 23, 59, tzinfo=timezone(timedelta(hours=-1))),
        date(2025, 1, 1),
        Undecodable(b"infinity"),
    ],
)
def test_what_is_outside_the_years_is_no_moment(value: Any) -> None:
    error = refusal(values.utc_datetime, value)
    assert error.code is RejectCode.NOT_DATE
    assert "infinity" not in error.reason


def test_a_moment_without_a_zone_is_of_the_zone_of_its_column() -> None:
    canonical = values.canonical_of(column(ValueType.DATETIME, zone="Europe/Berlin", inexact="milliseconds"))
    naive = datetime(2025, 7, 1, 14, 0, 0, 123_456)  # noqa: DTZ001 - as the source gives it
    for value in (naive, "2025-07-01 14:00:00.123456", NOON, "2025-07-01 12:00:00.123456Z"):
        found = canonical(value)
        assert (found, found.tzinfo) == (NOON, UTC)
    twice = canonical("2025-10-26 02:30:00")
    assert twice == datetime(2025, 10, 26, 0, 30, tzinfo=UTC)
    assert canonical("2025-03-30 03:00:00") == datetime(2025, 3, 30, 1, tzinfo=UTC)
    assert refusal(canonical, "2025-03-30 02:30:00").code is RejectCode.NOT_DATE
    assert refusal(canonical, "0001-01-01 00:00:00").code is RejectCode.NOT_DATE
    assert refusal(canonical, "yesterday").code is RejectCode.NOT_DATE
    moment = values.utc_datetime("2025-07-01 14:00:00")
    assert values.canonical_of(column(ValueType.DATETIME))("2025-07-01 14:00:00") == moment


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd"])
def test_an_unknown_zone_is_an_error_of_the_spec(zone: str) -> None:
    with pytest.raises(SpecError, match="unknown time zone"):
        values.canonical_of(column(ValueType.DATETIME, zone=zone))


def test_a_day_is_its_midnight_in_utc() -> None:
    for value in (date(2024, 2, 29), "2024-02-29"):
        found = values.day(value)
        assert (found, found.tzinfo) == (datetime(2024, 2, 29, tzinfo=UTC), UTC)
    assert values.day(date.min).year == 1
    assert values.day(date.max).year == 9999


@pytest.mark.parametrize("value", [NOON, "2025-02-30", "2025-1-1", "20250101", "", 5, Undecodable(b"infinity")])
def test_what_is_no_day_is_refused(value: Any) -> None:
    assert refusal(values.day, value).code is RejectCode.NOT_DATE


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("12.30"), "12.30"),
        (Decimal("-0"), "-0"),
        (Decimal("0.00"), "0.00"),
        (Decimal("9" * 34), "9" * 34),
        (Decimal("1E-6176"), "1E-6176"),
        (Decimal("NaN"), "NaN"),
        (Decimal("Infinity"), "Infinity"),
        (Decimal("-Infinity"), "-Infinity"),
        (7, "7"),
        (-(2**63), str(-(2**63))),
        (0.1, "0.1"),
        (1e300, "1E+300"),
        ("12.30", "12.30"),
        ("-.5e3", "-5E+2"),
    ],
)
def test_a_decimal_keeps_its_value_and_its_scale(value: Any, expected: str) -> None:
    assert same(values.decimal(value), Decimal128(expected))


@pytest.mark.parametrize(
    "value",
    [
        Decimal("9" * 35),
        Decimal("1" + "0" * 34),
        Decimal("1." + "0" * 34),
        Decimal("1E-6177"),
        Decimal("1E+6112"),
        10**34,
        "1" * 35,
        "1e99999",
        "twelve",
        "NaN",
        "",
        " 1",
        "1\n",
        True,
        b"1",
        Undecodable(b"1"),
    ],
)
def test_what_128_bits_cannot_hold_exactly_is_refused(value: Any) -> None:
    assert refusal(values.decimal, value).code is RejectCode.NOT_NUMBER


@pytest.mark.parametrize("value", [uuid.UUID(HEX), HEX, HEX.upper(), HEX.replace("-", "")])
def test_a_uuid_is_binary_of_subtype_4(value: Any) -> None:
    assert same(values.uuid(value), Binary(bytes.fromhex(HEX.replace("-", "")), 4))


@pytest.mark.parametrize("value", [HEX[:-1], f"{{{HEX}}}", f"{HEX} ", HEX.replace("-", "", 1), "", 5, b"0" * 16])
def test_what_is_no_uuid_is_refused(value: Any) -> None:
    assert str(value) not in refusal(values.uuid, value).reason or value in ("", 5)


def test_bytes_stay_bytes() -> None:
    assert values.binary(b"\x00\xff") == b"\x00\xff"
    assert values.binary(b"") == b""
    for value in ("text", 5, Undecodable(b"\xff"), bytearray(b"x"), None):
        assert refusal(values.binary, value).reason


def test_an_array_holds_the_canonical_values_of_its_items_at_any_depth() -> None:
    moments = column(ValueType.ARRAY, items=ValueType.DATETIME, zone="Europe/Berlin", inexact="milliseconds")
    canonical = values.canonical_of(moments)
    assert canonical([]) == []
    assert canonical([NOON, None]) == [NOON, None]
    assert canonical([[NOON], ["2025-07-01 14:00:00.123456"]]) == [[NOON], [NOON]]
    decimals = values.canonical_of(column(ValueType.ARRAY, items=ValueType.DECIMAL))([Decimal("1.50"), None])
    assert same(decimals, [Decimal128("1.50"), None])
    objects = values.canonical_of(column(ValueType.ARRAY, items=ValueType.JSON_OBJECT))
    assert list(objects(['{"b": 1, "a": 2}'])[0]) == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([1, "2"], RejectCode.NOT_INTEGER),
        ([[1], [2.5]], RejectCode.NOT_INTEGER),
        ([2**63], RejectCode.NOT_INTEGER),
        ("[1]", RejectCode.NOT_ARRAY),
        ((1, 2), RejectCode.NOT_ARRAY),
        (Undecodable(b"{"), RejectCode.NOT_ARRAY),
    ],
)
def test_what_is_no_array_of_its_items_is_refused(value: Any, code: RejectCode) -> None:
    canonical = values.canonical_of(column(ValueType.ARRAY, items=ValueType.INTEGER))
    assert refusal(canonical, value).code is code


def test_every_canonical_value_is_one_of_bson() -> None:
    for value_type, value in (
        (ValueType.DECIMAL, Decimal("1")),
        (ValueType.DATE, date(2025, 1, 1)),
        (ValueType.UUID, uuid.UUID(HEX)),
        (ValueType.BINARY, b"x"),
        (ValueType.DOUBLE, math.nan),
        (ValueType.DATETIME, NOON),
    ):
        assert bson.encode({"": values.CANONICAL[value_type](value)})
