"""The canonical functions of plain values: what they make of one, and what they refuse."""

from __future__ import annotations

import math
import struct
from datetime import UTC, datetime
from typing import Any

import bson
import pytest

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping import values
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.shorthand import utc
from atlas_pipeline_tests.mapping.refusals import refusal, same

LONE_SURROGATE = "a\ud83db"
INT64_MAX = 2**63 - 1


@pytest.mark.parametrize(
    "text", ["", " padded ", "0042", "1e5", "null", "a\0b", "Zoe\u0308", "🎉", "\ufeffx", "\U0010ffff"]
)
def test_text_stays_as_it_is_stored(text: str) -> None:
    assert values.text(text) is text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (5, RejectCode.NOT_TEXT),
        (5.0, RejectCode.NOT_TEXT),
        (True, RejectCode.NOT_TEXT),
        (b"plain letters", RejectCode.NOT_TEXT),
        (Undecodable(b"caf\xe9"), RejectCode.NOT_UTF8),
        (LONE_SURROGATE, RejectCode.LONE_SURROGATE),
    ],
)
def test_what_is_not_text_is_refused_in_a_text_column(value: Any, code: RejectCode) -> None:
    assert refusal(values.text, value).code is code


@pytest.mark.parametrize("number", [0, -1, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 + 1, INT64_MAX, -INT64_MAX - 1])
def test_an_integer_of_64_bits_stays_one(number: int) -> None:
    assert same(values.integer(number), number)


@pytest.mark.parametrize("value", [INT64_MAX + 1, -INT64_MAX - 2, 1.0, 1.5, "12", "", True, False, b"1"])
def test_what_is_not_an_integer_of_64_bits_is_refused(value: Any) -> None:
    assert refusal(values.integer, value).code is RejectCode.NOT_INTEGER


@pytest.mark.parametrize(
    ("value", "bits"),
    [(0.1, 0.1), (-0.0, -0.0), (5e-324, 5e-324), (1e308, 1e308), (12, 12.0), (2**53, 2.0**53), (-(2**53), -(2.0**53))],
)
def test_a_double_keeps_every_bit_and_takes_integers_that_it_can_hold(value: float, bits: float) -> None:
    found = values.double(value)
    assert type(found) is float
    assert struct.pack("d", found) == struct.pack("d", bits)


@pytest.mark.parametrize("value", [2**53 + 1, -(2**53) - 1, INT64_MAX, "1.5", "", True, b"\0" * 8])
def test_what_a_double_cannot_hold_is_refused(value: Any) -> None:
    assert refusal(values.double, value).code is RejectCode.NOT_NUMBER


def test_infinity_is_a_double() -> None:
    assert values.double(math.inf) == math.inf


def test_zero_and_one_are_the_booleans_where_there_are_no_others() -> None:
    found = [values.boolean(value) for value in (0, 1, False, True)]
    assert found == [False, True, False, True]
    assert all(type(one) is bool for one in found)


@pytest.mark.parametrize("value", [2, -1, 1.0, 0.0, 0.5, "1", "true", "false", "", b"\1"])
def test_anything_else_is_no_boolean(value: Any) -> None:
    assert refusal(values.boolean, value).code is RejectCode.NOT_BOOLEAN


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-03-30 02:30:00", datetime(2025, 3, 30, 2, 30, tzinfo=UTC)),
        ("2025-03-30T02:30:00", datetime(2025, 3, 30, 2, 30, tzinfo=UTC)),
        ("2025-03-30 02:30:00Z", datetime(2025, 3, 30, 2, 30, tzinfo=UTC)),
        ("2025-03-30T02:30:00.5+02:00", datetime(2025, 3, 30, 0, 30, 0, 500_000, tzinfo=UTC)),
        ("2025-03-30 02:30:00-05:30", datetime(2025, 3, 30, 8, 0, tzinfo=UTC)),
        ("2025-06-30 12:00:00.123456", datetime(2025, 6, 30, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("2025-06-30 12:00:00.1", datetime(2025, 6, 30, 12, 0, 0, 100_000, tzinfo=UTC)),
        ("2024-02-29 23:59:59", datetime(2024, 2, 29, 23, 59, 59, tzinfo=UTC)),
        ("1969-12-31 23:59:59.999001", datetime(1969, 12, 31, 23, 59, 59, 999_001, tzinfo=UTC)),
        ("0001-01-01 00:00:00.000000", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31 23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)),
    ],
)
def test_a_date_is_utc_unless_it_names_an_offset(text: str, moment: datetime) -> None:
    found = values.utc_datetime(text)
    assert (found, found.tzinfo) == (moment, UTC)


@pytest.mark.parametrize(
    "value",
    [
        "yesterday",
        "",
        "2025-03-30",
        "2025-03-30 02:30",
        "2025-02-30 10:00:00",
        "2024-13-40 00:00:00",
        "0000-00-00 00:00:00",
        "2025-03-30 24:00:00",
        "2025-03-30 02:30:60",
        "2025-W13-7 02:30:00",
        "2025-W13-7",
        "20250330T023000",
        "2025-089 02:30:00",
        "2025-03-30 02:30:00,5",
        "2025-03-30 02:30:00.",
        "2025-03-30 02:30:00.1234567",
        "2025-03-30 02:30:00+0200",
        "2025-03-30 02:30:00+25:00",
        "2025-03-30 02:30:00z",
        " 2025-03-30 02:30:00",
        "2025-03-30 02:30:00\n",
        "10000-01-01 00:00:00",
        "-001-01-01 00:00:00",
        "٢٠٢٥-03-30 02:30:00",
        "0001-01-01 00:00:00+01:00",  # lies before the first year
        "9999-12-31 23:59:59-01:00",  # lies after the last one
        1_700_000_000,
        1_700_000_000.5,
        b"2025-03-30 02:30:00",
        Undecodable(b"2025-03-30 02:30:00"),
    ],
)
def test_what_names_no_moment_is_no_date(value: Any) -> None:
    assert refusal(values.utc_datetime, value).code is RejectCode.NOT_DATE


def test_a_bson_date_cuts_microseconds_and_says_so() -> None:
    for text, milliseconds, cut in (
        ("2025-06-30 12:00:00.123456", 123, True),
        ("2025-06-30 12:00:00.123000", 123, False),
        ("1969-12-31 23:59:59.999001", 999, True),
        ("9999-12-31 23:59:59.999999", 999, True),
        ("2025-06-30 12:00:00", 0, False),
    ):
        moment = values.utc_datetime(text)
        stored = bson.decode(bson.encode({"at": moment}))["at"]
        assert stored == moment.replace(microsecond=milliseconds * 1000, tzinfo=None)
        noted: list[None] = []
        assert values.canonical_of(utc("at", inexact="milliseconds"), noted.append)(text) == moment
        assert len(noted) == cut
