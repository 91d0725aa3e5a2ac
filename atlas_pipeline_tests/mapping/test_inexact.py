"""What BSON cannot hold exactly is refused, unless the column names what becomes of it; then each case is counted."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson import CodecOptions, Decimal128

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.mapping.values import canonical_of
from atlas_pipeline.spec.columns import JSON_TYPES, ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.shorthand import decimal, integer, json_value, utc
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.mapping.refusals import refusal

AWARE = CodecOptions[dict[str, Any]](tz_aware=True)
CUT, WHOLE = "2025-06-30 12:00:00.123456", "2025-06-30 12:00:00.123000"
STORED = datetime(2025, 6, 30, 12, 0, 0, 123_000, tzinfo=UTC)
LONG = "0.12345678901234567890123456789012345"  # 35 digits


def mapped(column: ColumnSpec, *values: Any) -> MappedBatch:
    """A batch of one column beside the key."""
    table = TableSpec(source="t", collection="t", key=("id",), columns=(integer("id"), column))
    return Mapper(table).map_batch(list(enumerate(values)))


def stored(batch: MappedBatch, field: str = "x") -> list[Any]:
    return [bson.decode(document, AWARE)[field] for document in batch.documents]


def refused(batch: MappedBatch) -> list[tuple[int, str, RejectCode]]:
    return [(reject.key[0], reject.column, reject.code) for reject in batch.rejects]


# --- moments ---------------------------------------------------------------------------------------------------------


def test_a_moment_that_a_date_does_not_hold_is_refused_unless_the_column_says_otherwise() -> None:
    moment = datetime(2025, 6, 30, 12, 0, 0, 123_456, tzinfo=UTC)
    batch = mapped(utc("x", nullable=True), WHOLE, CUT, None, moment)
    assert stored(batch) == [STORED, None]
    assert refused(batch) == [(1, "x", RejectCode.INEXACT), (3, "x", RejectCode.INEXACT)]
    assert not batch.fidelity


def test_the_policy_milliseconds_cuts_and_counts() -> None:
    batch = mapped(utc("x", nullable=True, inexact="milliseconds"), WHOLE, CUT, None, "1969-12-31 23:59:59.999999")
    assert stored(batch) == [STORED, STORED, None, datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)]
    assert batch.fidelity == {("x", "milliseconds"): 2}
    assert (batch.truncated, batch.adjusted) == ({"x": 2}, {})


def test_the_policy_microseconds_keeps_what_a_date_cuts_in_a_field_beside_it() -> None:
    column = utc("x", nullable=True, inexact="microseconds", field="at")
    batch = mapped(column, WHOLE, CUT, None, "1969-12-31 23:59:59.999999", "0001-01-01 00:00:00.000001")
    kept = [(one["at"], one["at_us"]) for one in (bson.decode(document, AWARE) for document in batch.documents)]
    assert kept == [
        (STORED, 0),
        (STORED, 456),
        (None, None),
        (datetime(1969, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC), 999),
        (datetime(1, 1, 1, tzinfo=UTC), 1),
    ]
    assert list(bson.decode(batch.documents[0])) == ["_id", "at", "at_us"]
    assert batch.truncated == {"x": 3}
    for value, (at, rest) in zip([WHOLE, CUT], kept, strict=False):
        assert at + timedelta(microseconds=rest) == datetime.fromisoformat(value + "+00:00")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (CUT, CUT),
        ("2025-06-30 12:00:00.1234567", "2025-06-30 12:00:00.1234567"),
        ("yesterday", "yesterday"),
        ("", ""),
        ("0000-00-00 00:00:00", "0000-00-00 00:00:00"),
        (1_700_000_000, "1700000000"),
        (1.5, "1.5"),
        (Undecodable(b"-infinity"), "-infinity"),
        (datetime(2025, 6, 30, 12, 0, 0, 123_456, tzinfo=UTC), "2025-06-30T12:00:00.123456+00:00"),
        (datetime(2025, 6, 30, 12, 0, 0, 1), "2025-06-30T12:00:00.000001"),  # noqa: DTZ001 - as the source gives it
    ],
)
def test_the_policy_text_keeps_what_is_no_moment_or_too_fine_as_its_text(value: Any, text: str) -> None:
    batch = mapped(utc("x", inexact="text"), WHOLE, value)
    assert (stored(batch), batch.rejects) == ([STORED, text], [])
    assert (batch.truncated, batch.adjusted) == ({}, {"x: text": 1})


@pytest.mark.parametrize(
    ("value", "code"),
    [(b"yesterday", RejectCode.NOT_DATE), (Undecodable(b"caf\xe9"), RejectCode.NOT_UTF8),
     ("a\ud83d", RejectCode.LONE_SURROGATE), (True, RejectCode.NOT_DATE)],
)  # fmt: skip
def test_what_has_no_text_is_refused_in_a_column_of_moments_or_texts_too(value: Any, code: RejectCode) -> None:
    batch = mapped(utc("x", inexact="text"), CUT, value)
    assert refused(batch) == [(1, "x", code)]
    assert batch.fidelity == {("x", "text"): 1}


def test_a_refusal_of_a_text_does_not_repeat_it() -> None:
    error = refusal(canonical_of(utc("x", inexact="text")), Undecodable(b"marker-5e1f \xff"))
    assert "marker" not in f"{error!r} {error.__context__!r}"


def test_the_zone_of_a_column_is_honoured_under_every_policy() -> None:
    policies: tuple[Inexact, ...] = ("refuse", "milliseconds", "microseconds", "text")
    for policy in policies:
        column = ColumnSpec(name="x", sql_type="T", value=ValueType.DATETIME, zone="Europe/Berlin", inexact=policy)
        assert stored(mapped(column, "2025-06-30 14:00:00.123")) == [STORED]


def test_days_are_kept_as_text_where_they_are_none() -> None:
    days = ColumnSpec(name="x", sql_type="DATE", value=ValueType.DATE, inexact="text")
    batch = mapped(days, date(2025, 6, 30), "2025-06-30", "2025-02-30", "soon", Undecodable(b"infinity"))
    day = datetime(2025, 6, 30, tzinfo=UTC)
    assert stored(batch) == [day, day, "2025-02-30", "soon", "infinity"]
    assert batch.adjusted == {"x: text": 3}


# --- decimals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "rounded"),
    [
        (Decimal(LONG), "0.1234567890123456789012345678901234"),  # the digit cut is 5, the one before it even
        (Decimal("0.12345678901234567890123456789012355"), "0.1234567890123456789012345678901236"),
        ("-" + "9" * 34 + "6", "-1.000000000000000000000000000000000E+35"),
        (Decimal("1." + "0" * 40), "1.000000000000000000000000000000000"),
        (Decimal("1E+6144"), "1.000000000000000000000000000000000E+6144"),
        (Decimal("1E-7000"), "0E-6176"),
    ],
)
def test_the_policy_round_makes_34_digits_half_to_even_and_counts(value: Any, rounded: str) -> None:
    batch = mapped(decimal("x", inexact="round"), "1.50", value)
    assert list(map(str, stored(batch))) == ["1.50", rounded]
    assert batch.adjusted == {"x: round": 1}
    assert refused(mapped(decimal("x"), value)) == [(0, "x", RejectCode.NOT_NUMBER)]


@pytest.mark.parametrize("policy", ["round", "text"])
def test_nan_and_the_infinities_are_decimals_that_no_policy_touches(policy: Inexact) -> None:
    batch = mapped(decimal("x", inexact=policy), Decimal("NaN"), Decimal("Infinity"), Decimal("-Infinity"))
    assert list(map(str, stored(batch))) == ["NaN", "Infinity", "-Infinity"]
    assert not batch.fidelity


def test_a_number_beyond_128_bits_is_refused_also_where_others_are_rounded() -> None:
    batch = mapped(decimal("x", inexact="round"), Decimal("1E+6145"), Decimal("9" * 6146), "9.99E+6144")
    assert refused(batch) == [(0, "x", RejectCode.NOT_NUMBER), (1, "x", RejectCode.NOT_NUMBER)]


@pytest.mark.parametrize(
    ("value", "text"),
    [(Decimal(LONG), LONG), (LONG, LONG), (Decimal("1E+6200"), "1" + "0" * 6200), (Decimal("-1E-6200"),
     "-0." + "0" * 6199 + "1"), ("1e-7000", "1e-7000")],
)  # fmt: skip
def test_the_policy_text_keeps_all_digits_of_a_number(value: Any, text: str) -> None:
    batch = mapped(decimal("x", inexact="text"), 5, value)
    assert stored(batch) == [Decimal128("5"), text]
    assert batch.adjusted == {"x: text": 1}


@pytest.mark.parametrize("policy", ["refuse", "round", "text"])
@pytest.mark.parametrize("value", ["abc", "", b"1", "NaN", Undecodable(b"1\xff")])
def test_what_is_no_number_is_refused_under_every_policy(policy: Inexact, value: Any) -> None:
    assert refused(mapped(decimal("x", inexact=policy), value)) == [(0, "x", RejectCode.NOT_NUMBER)]


# --- numbers inside JSON ---------------------------------------------------------------------------------------------

HELD = [
    "0.1", "0.0", "-0.0", "0e999999999999999999", "1e5", "1E+5", "1e20", "1e300", "100000.000000000000000000000000000",
    "0.30000000000000004", "0.3000000000000000400", "1e-7", "0.00000010000000000000000", "123456789012345.6",
    "9007199254740993", "1.7976931348623157e308", "2.2250738585072014e-308", "5e-324", "-4e-320", "8.5e-320",
]  # fmt: skip
"""Literals of numbers that doubles, or integers of 64 bits, hold."""
NOT_HELD = [
    "0.12345678901234567890", "0.30000000000000001", "0.1000000000000000055511151231257827", "9007199254740993.0",
    "9007199254740993e0", "-123456789.12345678901", "1e-400", "-1e-400", "1e-99999999999999999999", "4.9e-324",
    "1.2345e-320", "2.22507385850720141e-308", "100000000000000000000000000000.1",
]  # fmt: skip
"""Literals of numbers that no double holds to their last digit."""


@pytest.mark.parametrize("literal", HELD)
def test_a_number_that_a_double_holds_is_stored_as_it_is_under_every_policy(literal: str) -> None:
    policies: tuple[Inexact, ...] = ("refuse", "round")
    for policy in policies:
        batch = mapped(json_value("x", inexact=policy), f'{{"a": [{literal}]}}')
        assert refused(batch) == []
        (found,) = stored(batch)[0]["a"]
        assert found == (float(literal) if isinstance(found, float) else int(literal))
        assert math.copysign(1, found) == math.copysign(1, float(literal))
        assert not batch.fidelity


@pytest.mark.parametrize("literal", NOT_HELD)
def test_a_number_that_no_double_holds_is_refused_or_by_the_policy_round_rounded_and_counted(literal: str) -> None:
    text = f'{{"a": [{literal}, 0.5], "b": {literal}}}'
    assert refused(mapped(json_value("x"), text)) == [(0, "x", RejectCode.INEXACT)]
    batch = mapped(json_value("x", inexact="round"), text, "[0.25]")
    assert stored(batch)[0] == {"a": [float(literal), 0.5], "b": float(literal)}
    assert batch.adjusted == {"x: round": 2}


@pytest.mark.parametrize("literal", ["9223372036854775808", "-9223372036854775809", "1e999", "-1e309"])
def test_numbers_beyond_64_bits_and_beyond_doubles_are_refused_under_every_policy(literal: str) -> None:
    policies: tuple[Inexact, ...] = ("refuse", "round")
    for policy in policies:
        assert refused(mapped(json_value("x", inexact=policy), f"[{literal}]")) == [(0, "x", RejectCode.JSON_NUMBER)]


@pytest.mark.parametrize("value_type", sorted(JSON_TYPES))
def test_every_json_type_rounds(value_type: ValueType) -> None:
    text = "[0.30000000000000001]" if value_type is ValueType.JSON_ARRAY else '{"k": 0.30000000000000001}'
    rounding = ColumnSpec(name="x", sql_type="JSON", value=value_type, inexact="round")
    exact = ColumnSpec(name="x", sql_type="JSON", value=value_type)
    assert mapped(rounding, text).adjusted == {"x: round": 1}
    assert refused(mapped(exact, text)) == [(0, "x", RejectCode.INEXACT)]
    kinds = {ValueType.JSON_OBJECT: "[1]", ValueType.JSON_ARRAY: "{}", ValueType.JSON: "{"}
    assert refused(mapped(rounding, kinds[value_type])) == refused(mapped(exact, kinds[value_type])) != []


# --- arrays ----------------------------------------------------------------------------------------------------------


def test_arrays_have_the_policies_of_their_items_and_each_item_counts() -> None:
    moment = datetime(2025, 6, 30, 14, 0, 0, 123_456, tzinfo=timezone(timedelta(hours=2)))
    for policy, kept, count in (("milliseconds", STORED, "x"), ("text", moment.isoformat(), "x: text")):
        column: Any = ColumnSpec(
            name="x", sql_type="T[]", value=ValueType.ARRAY, items=ValueType.DATETIME, inexact=policy
        )
        batch = mapped(column, [[moment, None], [STORED]], [moment])
        assert stored(batch) == [[[kept, None], [STORED]], [kept]]
        assert batch.truncated + batch.adjusted == {count: 2}
    exact = ColumnSpec(name="x", sql_type="T[]", value=ValueType.ARRAY, items=ValueType.DATETIME)
    assert refused(mapped(exact, [STORED], [STORED, moment])) == [(1, "x", RejectCode.INEXACT)]


# --- the newest change -----------------------------------------------------------------------------------------------


def test_the_newest_change_of_a_batch_has_its_microseconds_and_is_of_the_rows_that_landed() -> None:
    table = TableSpec(
        source="t",
        collection="t",
        key=("id",),
        columns=(integer("id"), utc("at", nullable=True, inexact="milliseconds")),
        changed_at="at",
    )
    mapper = Mapper(table)
    rows = [(1, "2025-01-01 00:00:00.000007"), (2, "2025-01-01 02:00:00.000009+02:00"), (3, None)]
    newest = datetime(2025, 1, 1, 0, 0, 0, 9, tzinfo=UTC)
    assert mapper.map_batch(rows).newest == newest
    assert mapper.map_batch([*rows, (None, "2026-01-01 00:00:00")]).newest == newest
    assert mapper.map_batch([(1, None)]).newest is None
    assert mapper.map_batch([]).newest is None
    assert mapped(utc("x"), WHOLE).newest is None
