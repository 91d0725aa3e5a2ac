"""In bulk and one by one, a row becomes the same bytes or the same reject."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC
from typing import Any

import bson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.mapping.values import canonical_of
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline_tests.mapping.every_type import EVERY_TYPE, LOOKUPS, Row, row_of

int64 = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.sampled_from([0, 1, 2, 7, 42, 2**31 - 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1])
)
texts = st.one_of(st.text(max_size=8), st.sampled_from(["", "null", "0", "1", "true", "u-1", "\0", "0042"]))
json_texts = st.one_of(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats() | st.text(max_size=4),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
        max_leaves=6,
    ).map(json.dumps),
    st.sampled_from(["{}", "[]", "{", "null", ' {"a":1,"a":2}', r'["\ud800"]', r'{"\u0000":1}', "[1e999]", "[" * 120]),
)
dates = st.one_of(
    st.datetimes().map(str),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.sampled_from(["2025-02-30 00:00:00", "2025-01-01", "0001-01-01 00:00:00+01:00", "2025-01-01 00:00:00Z"]),
)
doubles = st.floats(allow_nan=False)
raw_bytes = st.one_of(st.binary(max_size=4), st.binary(max_size=4).map(Undecodable))
ODD = st.one_of(st.none(), int64, doubles, texts, json_texts, dates, raw_bytes)
FITTING: dict[ValueType, st.SearchStrategy[Any]] = {
    ValueType.TEXT: texts,
    ValueType.INTEGER: int64,
    ValueType.DOUBLE: doubles | int64,
    ValueType.DECIMAL: st.decimals(allow_nan=False, places=2) | int64,
    ValueType.BOOLEAN: st.sampled_from([0, 1, True, False]),
    ValueType.DATETIME: dates | st.datetimes(timezones=st.sampled_from([None, UTC])),
    ValueType.DATE: st.dates() | st.dates().map(str),
    ValueType.UUID: st.uuids() | st.uuids().map(str),
    ValueType.BINARY: st.binary(max_size=4),
    ValueType.ARRAY: st.lists(texts | st.none(), max_size=3),
    ValueType.TEXT_LIST: texts | st.lists(texts, max_size=3).map(json.dumps),
    ValueType.JSON: json_texts | int64 | doubles,
    ValueType.JSON_OBJECT: json_texts | st.just("{}"),
    ValueType.JSON_ARRAY: json_texts | st.just("[]"),
}


@st.composite
def rows_of_every_type(draw: st.DrawFn) -> Row:
    """A row that is good but for a few values, so that good and bad rows both are common."""
    row = list(row_of(id=draw(int64)))
    for position in draw(st.lists(st.integers(0, len(row) - 1), max_size=6)):
        fitting = FITTING[EVERY_TYPE.columns[position].value]
        row[position] = draw(st.one_of(fitting, fitting, ODD))
    return tuple(row)


def by_definition(row: Row) -> tuple[str, RejectCode | None, dict[str, Any]]:
    """What the canonical functions alone say of a row: the first bad column, or the values of the document."""
    converted: dict[str, Any] = {}
    for spec, value in zip(EVERY_TYPE.columns, row, strict=True):
        try:
            if value is None:
                converted[spec.name] = None
            elif spec.restored_from and type(value) is int:
                known = LOOKUPS.texts["owner"].get(value, (str(value),))
                if len(known) > 1:
                    return spec.name, RejectCode.AMBIGUOUS_REFERENCE, {}
                converted[spec.name] = known[0]
            else:
                converted[spec.name] = canonical_of(spec)(value)
        except ValueRejectedError as error:
            return spec.name, error.code, {}
        if converted[spec.name] is None and not spec.nullable:
            return spec.name, RejectCode.NULL_VALUE, {}
    return "", None, {"_id": converted.pop("id"), **converted}


@settings(max_examples=150, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(rows_of_every_type(), min_size=1, max_size=8))
def test_a_batch_gives_what_its_rows_give_alone_and_what_the_canonical_functions_say(rows: list[Row]) -> None:
    mapper = Mapper(EVERY_TYPE, LOOKUPS)
    together = mapper.map_batch(rows)
    alone = [mapper.map_batch([row]) for row in rows]
    one_by_one = mapper.map_batch([*rows, row_of(id=None)])  # the bad row sends all of them down the other path

    assert together.documents == [document for one in alone for document in one.documents]
    assert together.documents == one_by_one.documents
    assert together.ids == one_by_one.ids == [bson.decode(document)["_id"] for document in together.documents]
    assert together.rows == one_by_one.rows
    assert together.rejects == [reject for one in alone for reject in one.rejects] == one_by_one.rejects[:-1]
    assert together.truncated == one_by_one.truncated == sum((one.truncated for one in alone), Counter[str]())

    expected = [by_definition(row) for row in rows]
    assert together.documents == [bson.encode(document) for _, code, document in expected if code is None]
    assert [(reject.column, reject.code) for reject in together.rejects] == [
        (name, code) for name, code, _ in expected if code is not None
    ]
    assert together.truncated == Counter(
        name
        for _, code, document in expected
        if code is None
        for name in ("datetime_always", "datetime_or_null")
        if document[name] is not None and document[name].microsecond % 1000
    )


def test_an_integer_that_no_double_holds_is_refused_on_both_paths() -> None:
    mapper = Mapper(EVERY_TYPE, LOOKUPS)
    row = row_of(double_always=2**53 + 1)
    for batch in ([row], [row, row_of(id=None)]):
        first = mapper.map_batch(batch).rejects[0]
        assert (first.column, first.code) == ("double_always", RejectCode.NOT_NUMBER)
