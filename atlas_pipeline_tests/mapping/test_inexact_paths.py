"""Under every policy, rows become the same bytes with the same counts in bulk and one by one."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC
from decimal import Decimal
from fractions import Fraction
from typing import Any

import bson
from bson import CodecOptions
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import JSON_TYPES, POLICIES, ColumnSpec, Inexact, ValueType
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline.spec.tables import TableSpec

CASES: list[tuple[ValueType, Inexact]] = [
    (value, policy) for value, policies in POLICIES.items() for policy in ("refuse", *policies)
]
TABLE = TableSpec(
    source="t",
    collection="t",
    key=("id",),
    columns=(
        integer("id"),
        *(
            ColumnSpec(name=f"{value}_{policy}", sql_type="ANY", value=value, inexact=policy, nullable=True)
            for value, policy in CASES
        ),
    ),
)
AWARE = CodecOptions[dict[str, Any]](tz_aware=True)
literals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.tuples(st.integers(-(10**20), 10**20), st.integers(-330, 300)).map(lambda pair: f"{pair[0]}e{pair[1]}"),
    st.integers(0, 10**20).map(lambda digits: f"0.{digits}"),
).filter(lambda literal: re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", literal) is not None)
texts_of = {
    ValueType.JSON: literals.map(lambda literal: f'"{literal}"') | literals.map(lambda literal: f"[{literal}]"),
    ValueType.JSON_ARRAY: st.lists(literals, max_size=3).map(lambda many: f"[{', '.join(many)}]"),
    ValueType.JSON_OBJECT: st.lists(literals, max_size=2).map(lambda many: f'{{"k": [{", ".join(many)}]}}'),
    ValueType.DATE: st.dates().map(str) | st.sampled_from(["soon", "2025-02-30"]),
    ValueType.DATETIME: st.datetimes().map(str)
    | st.datetimes(timezones=st.just(UTC))
    | st.datetimes().map(lambda moment: str(moment.replace(microsecond=moment.microsecond // 1000 * 1000))),
    ValueType.DECIMAL: st.decimals(allow_nan=False) | st.integers(0, 10**40).map(lambda digits: f"0.{digits}"),
}


@st.composite
def rows(draw: st.DrawFn) -> tuple[Any, ...]:
    """A row with values in a few columns only, so that many rows are good as a whole."""
    row: list[Any] = [draw(st.integers(0, 9)), *[None] * len(CASES)]
    for position in draw(st.lists(st.integers(0, len(CASES) - 1), max_size=4)):
        row[position + 1] = draw(texts_of[CASES[position][0]])
    return tuple(row)


@settings(max_examples=250, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows(), min_size=1, max_size=6))
def test_both_paths_give_the_same_bytes_and_counts_under_every_policy(batch: list[tuple[Any, ...]]) -> None:
    mapper = Mapper(TABLE)
    together = mapper.map_batch(batch)
    alone = [mapper.map_batch([row]) for row in batch]
    one_by_one = mapper.map_batch([*batch, (None, *[None] * len(CASES))])  # refused, so that all take the other path
    assert together.documents == one_by_one.documents == [document for one in alone for document in one.documents]
    assert together.rejects == one_by_one.rejects[:-1] == [reject for one in alone for reject in one.rejects]
    assert together.fidelity == one_by_one.fidelity == sum((one.fidelity for one in alone), Counter[tuple[str, str]]())
    for reject in together.rejects:
        assert not reject.column.endswith(("_milliseconds", "_microseconds")) or reject.code is RejectCode.NOT_DATE


@settings(max_examples=400, deadline=None, database=None)
@given(st.sampled_from(sorted(JSON_TYPES - {ValueType.JSON})), st.lists(literals, min_size=1, max_size=4))
def test_numbers_in_json_are_the_nearest_doubles_and_counted_where_their_shortest_form_is_another_number(
    value: ValueType, numbers: list[str]
) -> None:
    text = f"[{', '.join(numbers)}]" if value is ValueType.JSON_ARRAY else f'{{"k": [{", ".join(numbers)}]}}'
    fractions = [literal for literal in numbers if not re.fullmatch(r"-?\d+", literal)]
    whole = [literal for literal in numbers if literal not in fractions]
    too_large = any(not -(2**63) <= int(one) < 2**63 for one in whole) or any(
        abs(float(one)) == float("inf") for one in fractions
    )
    differ = [one for one in fractions if not too_large and Fraction(one) != Fraction(repr(float(one)))]
    row = [1, *[None] * len(CASES)]
    for policy in ("refuse", "round"):
        row[1 + CASES.index((value, policy))] = text
        batch = Mapper(TABLE).map_batch([tuple(row)])
        row[1 + CASES.index((value, policy))] = None
        if too_large or (differ and policy == "refuse"):
            codes = {RejectCode.JSON_NUMBER, RejectCode.INEXACT} if too_large else {RejectCode.INEXACT}
            assert {reject.code for reject in batch.rejects} <= codes
            assert batch.documents == []
            continue
        found = bson.decode(batch.documents[0])[f"{value}_{policy}"]
        expected = [float(one) if one in fractions else int(one) for one in numbers]
        assert (found if value is ValueType.JSON_ARRAY else found["k"]) == expected
        assert batch.fidelity == ({(f"{value}_round", "round"): len(differ)} if differ else {})


@settings(max_examples=200, deadline=None, database=None)
@given(st.datetimes(timezones=st.just(UTC)))
def test_a_moment_that_keeps_its_microseconds_can_be_put_together_again(moment: Any) -> None:
    row: list[Any] = [1, *[None] * len(CASES)]
    row[1 + CASES.index((ValueType.DATETIME, "microseconds"))] = moment
    document = bson.decode(Mapper(TABLE).map_batch([tuple(row)]).documents[0], AWARE)
    stored, rest = document["datetime_microseconds"], document["datetime_microseconds_us"]
    assert 0 <= rest <= 999
    assert stored.replace(microsecond=stored.microsecond + rest) == moment


@settings(max_examples=200, deadline=None, database=None)
@given(st.decimals(allow_nan=False, allow_infinity=False))
def test_a_decimal_of_any_length_is_kept_as_text_to_its_last_digit(number: Decimal) -> None:
    row: list[Any] = [1, *[None] * len(CASES)]
    row[1 + CASES.index((ValueType.DECIMAL, "text"))] = number
    found = bson.decode(Mapper(TABLE).map_batch([tuple(row)]).documents[0])["decimal_text"]
    assert (Decimal(found) if isinstance(found, str) else found.to_decimal()) == number
