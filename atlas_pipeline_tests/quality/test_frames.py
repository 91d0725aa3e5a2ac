from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import Int64
from bson.binary import UUID_SUBTYPE, Binary
from bson.decimal128 import Decimal128

from atlas_pipeline.load.held import hashable
from atlas_pipeline.quality.bson_types import bson_type_name
from atlas_pipeline.quality.frames import counts_frame, sample_frame
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline_tests.quality.conftest import ACCOUNTS, MEMBERSHIPS, account


def test_counts_are_one_row_with_the_rows_that_are_accounted_for() -> None:
    frame = counts_frame(TableCounts(source_rows=10, documents=7, quarantined=2, orphans=1))
    assert frame.to_dict("records") == [
        {
            "source_rows": 10,
            "documents": 7,
            "quarantined": 2,
            "accounted_rows": 9,
            "duplicate_keys": 0,
            "missing_keys": 0,
            "extra_keys": 0,
            "orphans": 1,
        }
    ]


def test_small_values_stay_as_the_driver_decodes_them() -> None:
    document = account(1, age=Int64(5), share=None, name="Zoë")
    frame = sample_frame(ACCOUNTS, [document], {})
    for field in ("_id", "name", "role", "age", "share", "active", "created_at"):
        (value,) = frame[field]
        assert value == document[field]
        assert type(value) is type(document[field])


def test_columns_are_the_fields_of_the_spec_and_the_differing_ones_whatever_a_document_holds() -> None:
    frame = sample_frame(ACCOUNTS, [account(1, surprise="x")], {})
    assert list(frame.columns) == [*ACCOUNTS.fields, "differing_fields"]
    assert set(map(str, frame.dtypes)) == {"object"}
    assert list(sample_frame(ACCOUNTS, [], {}).columns) == list(frame.columns)


def test_a_secret_is_masked_by_its_length_and_keeps_its_type() -> None:
    values: list[tuple[Any, str, str]] = [
        ("s3cret", "••••••", "string"),
        ("", "", "string"),
        (["s3cret"], "•", "array"),
        ({"s3cret": 1}, "•", "object"),
        (42, "•", "int"),
        (datetime(2026, 1, 1, tzinfo=UTC), "•", "date"),
    ]
    frame = sample_frame(ACCOUNTS, [account(1, token=value) for value, _, _ in values], {})
    assert list(frame["token"]) == [mask for _, mask, _ in values]
    assert [bson_type_name(value) for value in frame["token"]] == [name for _, _, name in values]


def test_a_null_secret_is_null_and_a_missing_one_is_missing() -> None:
    without = account(2)
    del without["token"]
    frame = sample_frame(ACCOUNTS, [account(1, token=None), without], {})
    assert [bson_type_name(value) for value in frame["token"]] == ["null", "missing"]


def test_large_values_are_replaced_by_their_size() -> None:
    document = account(1, name="x" * 1_000_000, settings={str(n): n for n in range(500)}, tags=list(range(300)))
    (row,) = sample_frame(ACCOUNTS, [document], {}).to_dict("records")
    assert row["name"] == "x" * 200 + "… (1,000,000 characters)"
    assert (row["settings"], bson_type_name(row["settings"])) == ("(object of 500 fields)", "object")
    assert (row["tags"], bson_type_name(row["tags"])) == ("(array of 300 items)", "array")


def test_a_key_of_several_columns_is_shown_as_text_of_type_object() -> None:
    document = {"_id": {"account": "a-1", "team": 7}, "since": datetime(2026, 1, 1, tzinfo=UTC)}
    differing = {(("account", "a-1"), ("team", 7)): ("since",)}
    (row,) = sample_frame(MEMBERSHIPS, [document], differing).to_dict("records")
    assert row["_id"] == '{"account": "a-1", "team": 7}'
    assert bson_type_name(row["_id"]) == "object"
    assert row["differing_fields"] == "since"


def test_a_differing_key_without_a_document_is_not_lost() -> None:
    frame = sample_frame(ACCOUNTS, [account(1)], {"account-0001": ("name", "age"), "gone": ("(no document)",)})
    assert list(zip(frame["_id"], frame["differing_fields"], strict=True)) == [
        ("account-0001", "name, age"),
        ("gone", "(no document)"),
    ]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ([Decimal128("1.50"), Decimal128("2")], "decimal"),
        ([Binary(b"\x01" * 16, UUID_SUBTYPE), Binary(b"\x02" * 16, UUID_SUBTYPE)], "binData"),
        ([b"\x00", b"\x00\x01"], "binData"),
        ([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)], "date"),
        ([{"a": Decimal128("1"), "b": b"\x01"}, {"a": Decimal128("1"), "b": b"\x02"}], "object"),
    ],
)
def test_keys_of_every_type_are_told_apart_and_keep_their_type(keys: list[Any], kind: str) -> None:
    differing = {hashable(keys[0]): ("name",)}
    frame = sample_frame(ACCOUNTS, [{**account(1), "_id": key} for key in keys], differing)
    assert len(set(frame["_id"])) == len(keys)
    assert [bson_type_name(key) for key in frame["_id"]] == [kind, kind]
    assert list(frame["differing_fields"]) == ["name", ""]
    without = sample_frame(ACCOUNTS, [], differing)
    assert list(map(str, without["_id"])) == [str(frame["_id"][0])]
