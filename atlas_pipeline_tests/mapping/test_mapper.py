"""Rows become documents, or rejects that name the first column that is wrong."""

from __future__ import annotations

from typing import Any

import bson
import pytest
from bson import CodecOptions

from atlas_pipeline.mapping.mapper import MAX_DOCUMENT_BYTES, Mapper
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.mapping.every_type import EVERY_TYPE, LOOKUPS, row_of

AWARE = CodecOptions[dict[str, Any]](tz_aware=True)


def decoded(document: bytes) -> dict[str, Any]:
    return bson.decode(document, AWARE)


def test_fields_stand_in_the_order_of_the_spec_and_every_field_is_there() -> None:
    (document,) = Mapper(EVERY_TYPE, LOOKUPS).map_batch([row_of()]).documents
    assert list(decoded(document)) == ["_id", *EVERY_TYPE.column_names[1:]]
    assert {name for name, value in decoded(document).items() if value is None} == {
        name for name in EVERY_TYPE.column_names if name.endswith("_or_null")
    }


def test_one_key_column_becomes_a_scalar_id_and_no_field() -> None:
    table = TableSpec(source="t", collection="t", key=("id",), columns=(text("name"), integer("id")))
    mapped = Mapper(table).map_batch([("a", 2**40), ("b", 5)])
    assert [list(decoded(document).items()) for document in mapped.documents] == [
        [("_id", 2**40), ("name", "a")],
        [("_id", 5), ("name", "b")],
    ]
    assert mapped.ids == [2**40, 5]


def test_several_key_columns_become_a_sub_document_in_key_order() -> None:
    table = TableSpec(
        source="t",
        collection="t",
        key=("team", "account"),
        columns=(text("account", field="accountId"), utc("since"), integer("team")),
    )
    mapper = Mapper(table)
    mapped = mapper.map_batch([("a1", "2025-01-01 00:00:00", 7)])
    (document,) = mapped.documents
    assert list(decoded(document)) == ["_id", "since"]
    assert list(decoded(document)["_id"].items()) == [("team", 7), ("accountId", "a1")]
    assert mapped.ids == [{"team": 7, "accountId": "a1"}]
    assert mapper.key_of(("a1", "2025-01-01 00:00:00", 7)) == (7, "a1")


def test_a_kept_key_is_the_id_and_a_field_too() -> None:
    columns = (text("role", 32), text("label", 64, field="title"))
    table = TableSpec(source="roles", collection="roles", key=("role",), keep_key=True, columns=columns)
    (document,) = Mapper(table).map_batch([("viewer ", "Viewer")]).documents
    assert list(decoded(document).items()) == [("_id", "viewer "), ("role", "viewer "), ("title", "Viewer")]


def test_integers_are_as_narrow_as_bson_allows() -> None:
    rows = [row_of(id=2**31 - 1, integer_always=-(2**31)), row_of(id=2**31, integer_always=-(2**31) - 1)]
    narrow, wide = Mapper(EVERY_TYPE, LOOKUPS).map_batch(rows).documents
    assert (narrow[4], wide[4]) == (0x10, 0x12)
    assert b"\x10integer_always\0" in narrow
    assert b"\x12integer_always\0" in wide


def owners(*values: Any) -> tuple[list[Any], list[tuple[str, RejectCode]]]:
    mapped = Mapper(EVERY_TYPE, LOOKUPS).map_batch([row_of(id=i, owner=value) for i, value in enumerate(values)])
    found = [decoded(document)["owner"] for document in mapped.documents]
    return found, [(reject.column, reject.code) for reject in mapped.rejects]


def test_a_number_becomes_the_text_again_that_the_source_made_it_from() -> None:
    assert owners(42, 1024, None, "u-1", "0042") == (["0042", "1024", None, "u-1", "0042"], [])


def test_a_number_that_no_text_explains_becomes_its_digits() -> None:
    assert owners(43, -5, 0) == (["43", "-5", "0"], [])


def test_a_number_that_two_texts_become_is_refused() -> None:
    assert owners(42, 7, 1024) == (["0042", "1024"], [("owner", RejectCode.AMBIGUOUS_REFERENCE)])


def test_a_fraction_is_no_text_to_restore() -> None:
    assert owners(42.5) == ([], [("owner", RejectCode.NOT_TEXT)])


def test_a_reject_names_the_first_column_that_is_wrong() -> None:
    row = row_of(id=9, boolean_always=2, datetime_always="yesterday", json_or_null="{")
    (reject,) = Mapper(EVERY_TYPE, LOOKUPS).map_batch([row_of(), row]).rejects
    assert (reject.key, reject.column, reject.code) == ((9,), "boolean_always", RejectCode.NOT_BOOLEAN)
    assert reject.row == dict(zip(EVERY_TYPE.column_names, row, strict=True))


@pytest.mark.parametrize("value_type", ValueType)
def test_null_is_refused_exactly_where_it_is_illegal(value_type: ValueType) -> None:
    mapper = Mapper(EVERY_TYPE, LOOKUPS)
    nulls = [None, "null"] if value_type in (ValueType.JSON, ValueType.JSON_OBJECT, ValueType.JSON_ARRAY) else [None]
    for null in nulls:
        mapped = mapper.map_batch([row_of(**{f"{value_type}_always": null})])
        assert [(r.column, r.code) for r in mapped.rejects] == [(f"{value_type}_always", RejectCode.NULL_VALUE)]
        assert mapped.documents == []
        mapped = mapper.map_batch([row_of(**{f"{value_type}_or_null": null})])
        assert decoded(mapped.documents[0])[f"{value_type}_or_null"] is None


def test_a_null_key_is_refused_and_the_rows_beside_it_are_not() -> None:
    mapped = Mapper(EVERY_TYPE, LOOKUPS).map_batch([row_of(id=1), row_of(id=None), row_of(id=3)])
    assert mapped.ids == [1, 3]
    assert [(reject.key, reject.column, reject.code) for reject in mapped.rejects] == [
        ((None,), "id", RejectCode.NULL_VALUE)
    ]


def test_what_bson_alone_refuses_is_a_reject_without_the_value() -> None:
    """A number beyond 64 bits cannot come from SQLite, but nothing may come through when it does."""
    (reject,) = Mapper(EVERY_TYPE, LOOKUPS).map_batch([row_of(json_always=918273645 * 2**64)]).rejects
    assert (reject.column, reject.code) == ("", RejectCode.CONTRACT)
    assert "918273645" not in reject.reason


def test_a_document_may_have_sixteen_mebibytes_and_not_one_byte_more() -> None:
    table = TableSpec(source="t", collection="t", key=("id",), columns=(integer("id"), text("content")))
    room = MAX_DOCUMENT_BYTES - len(bson.encode({"_id": 1, "content": ""}))
    mapped = Mapper(table).map_batch([(1, "x" * room), (2, "x" * (room + 1)), (3, "x")])
    assert (mapped.ids, [len(document) for document in mapped.documents[:1]]) == ([1, 3], [MAX_DOCUMENT_BYTES])
    assert [(reject.key, reject.column, reject.code) for reject in mapped.rejects] == [
        ((2,), "content", RejectCode.TOO_LARGE)
    ]


def test_dates_that_lose_microseconds_are_counted_by_column() -> None:
    exact, cut = "2025-01-01 00:00:00.123000", "2025-01-01 00:00:00.123001"
    rows = [
        row_of(id=1, datetime_always=cut),
        row_of(id=2, datetime_always=exact, datetime_or_null=cut),
        row_of(id=3, datetime_always=cut, datetime_or_null=exact),
        row_of(id=4, datetime_always=exact, datetime_or_null=None),
    ]
    mapper = Mapper(EVERY_TYPE, LOOKUPS)
    assert mapper.map_batch(rows).truncated == {"datetime_always": 2, "datetime_or_null": 1}
    refused = row_of(id=5, datetime_always=cut, boolean_always=2)
    assert mapper.map_batch([*rows, refused]).truncated == {"datetime_always": 2, "datetime_or_null": 1}


def test_no_rows_give_no_documents() -> None:
    mapped = Mapper(EVERY_TYPE, LOOKUPS).map_batch([])
    assert (mapped.documents, mapped.ids, mapped.rows, mapped.rejects) == ([], [], [], [])
