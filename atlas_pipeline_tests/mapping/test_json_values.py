"""The canonical functions of JSON: what they make of a text, and what they refuse."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Callable
from typing import Any

import pytest

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.mapping import values
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline_tests.mapping.refusals import nested, refusal, same

LONE_SURROGATE = "a\ud83db"
INT64_MAX = 2**63 - 1


def test_keys_are_sorted_at_every_level_and_arrays_keep_their_order() -> None:
    found = values.json_value('{"z": 1, "a": [3, 1, {"y": 1, "b": 2}], "10": 1, "9": 2, "Ä": 0, "A": 0}')
    assert same(found, {"10": 1, "9": 2, "A": 0, "a": [3, 1, {"b": 2, "y": 1}], "z": 1, "Ä": 0})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("{}", {}),
        ("[]", []),
        ('""', ""),
        ('"2025-05-01 08:00:00"', "2025-05-01 08:00:00"),
        ("true", True),
        (" [1, 1.0, 1e0, -0, -0.0] ", [1, 1.0, 1.0, 0, -0.0]),
        ("[9223372036854775807, -9223372036854775808]", [INT64_MAX, -INT64_MAX - 1]),
        ("[0.1, 1e-9, 1e300, 5e-324]", [0.1, 1e-9, 1e300, 5e-324]),
        (r'"\ud83d\udd11 \u00e9 \u0000"', "🔑 é \0"),
        ('{"a.b": 1, "$set": {"$inc": 2}, "": 0}', {"": 0, "$set": {"$inc": 2}, "a.b": 1}),
        ('{"$ref": "x", "$id": 1, "$oid": "y"}', {"$id": 1, "$oid": "y", "$ref": "x"}),
        ('["[[[[[[[[[["]', ["[" * 10]),
        (json.dumps(["[" * 500]), ["[" * 500]),
    ],
)
def test_json_becomes_the_value_that_it_names(text: str, value: Any) -> None:
    assert same(values.json_value(text), value)


@pytest.mark.parametrize("function", [values.json_value, values.json_object, values.json_array])
def test_the_json_text_null_is_none(function: Callable[[Any], Any]) -> None:
    assert (function("null"), function(" null\n")) == (None, None)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", RejectCode.BAD_JSON),
        ("nul", RejectCode.BAD_JSON),
        ("{'a': 1}", RejectCode.BAD_JSON),
        ('{"a": 1', RejectCode.BAD_JSON),
        ('{"a": 1} x', RejectCode.BAD_JSON),
        ("[1,]", RejectCode.BAD_JSON),
        ("[01]", RejectCode.BAD_JSON),
        ('["a\nb"]', RejectCode.BAD_JSON),
        ("\ufeff{}", RejectCode.BAD_JSON),
        ('{"a": 1, "a": 2}', RejectCode.BAD_JSON),
        ('{"b": {"a": 1, "\\u0061": 1}}', RejectCode.BAD_JSON),
        ("NaN", RejectCode.BAD_JSON),
        ('{"a": [NaN]}', RejectCode.BAD_JSON),
        ("[Infinity]", RejectCode.BAD_JSON),
        ("[-Infinity]", RejectCode.BAD_JSON),
        ("[9223372036854775808]", RejectCode.JSON_NUMBER),
        ("[-9223372036854775809]", RejectCode.JSON_NUMBER),
        ("[" + "9" * 10_000 + "]", RejectCode.JSON_NUMBER),
        ("[1e999]", RejectCode.JSON_NUMBER),
        ("[-1e999]", RejectCode.JSON_NUMBER),
        (r'["\ud83d"]', RejectCode.LONE_SURROGATE),
        (r'{"\udc00": 1}', RejectCode.LONE_SURROGATE),
        (f'["{LONE_SURROGATE}"]', RejectCode.LONE_SURROGATE),
        (r'{"a\u0000b": 1}', RejectCode.NUL_IN_KEY),
        (r'[{"x": {"\u0000": 1}}]', RejectCode.NUL_IN_KEY),
        (nested(101), RejectCode.JSON_DEPTH),
        (nested(101, r'"\u00e9"'), RejectCode.JSON_DEPTH),
        ("[" * 100_000, RejectCode.JSON_DEPTH),
    ],
)
def test_json_that_bson_cannot_hold_is_refused(text: str, code: RejectCode) -> None:
    assert refusal(values.json_value, text).code is code


def test_json_may_be_a_hundred_levels_deep() -> None:
    deepest = values.json_value(nested(100, '"é"'))
    levels = 0
    while isinstance(deepest, dict | list):
        deepest = next(iter(deepest.values())) if isinstance(deepest, dict) else deepest[0]
        levels += 1
    assert (levels, deepest) == (100, "é")


def test_json_of_any_depth_is_either_taken_or_refused() -> None:
    """Where the parser still succeeds and the next step would not, no error of the interpreter may come through."""
    for levels in range(850, 1_020):
        assert refusal(values.json_value, "[" * levels + r'"\u00e9"' + "]" * levels).code is RejectCode.JSON_DEPTH


@pytest.mark.parametrize("value", [0, 5, -1.5, 1e300])
def test_a_number_that_the_source_made_of_json_text_is_that_json_value(value: float) -> None:
    assert same(values.json_value(value), value)


def test_numeric_affinity_turns_json_numbers_into_the_same_values() -> None:
    """A column declared JSON has NUMERIC affinity, so a bare number never arrives as text."""
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE t (j JSON)")
    for text, expected in (
        ("5", 5),
        ("-9223372036854775808", -INT64_MAX - 1),
        ("0.1", 0.1),
        ('"5"', "5"),
        ("[5]", [5]),
    ):
        database.execute("DELETE FROM t")
        database.execute("INSERT INTO t VALUES (?)", (text,))
        ((stored,),) = database.execute("SELECT j FROM t")
        assert same(values.json_value(stored), expected)
    database.close()


@pytest.mark.parametrize("value", [b"{}", Undecodable(b"{\xff}"), math.inf, -math.inf, True])
def test_what_is_neither_text_nor_a_finite_number_is_no_json(value: Any) -> None:
    assert refusal(values.json_value, value).code in {RejectCode.NOT_TEXT, RejectCode.NOT_UTF8}


@pytest.mark.parametrize("text", ["[]", "[{}]", '"{}"', "5", "1.5", "true"])
def test_only_an_object_is_a_json_object(text: str) -> None:
    assert refusal(values.json_object, text).code is RejectCode.JSON_SHAPE
    assert same(values.json_object('{"b": [], "a": {}}'), {"a": {}, "b": []})


@pytest.mark.parametrize("text", ["{}", '{"0": []}', '"[]"', "5", "1.5", "false"])
def test_only_an_array_is_a_json_array(text: str) -> None:
    assert refusal(values.json_array, text).code is RejectCode.JSON_SHAPE
    assert same(values.json_array("[[], {}]"), [[], {}])


def test_a_number_by_affinity_is_neither_object_nor_array() -> None:
    for function in (values.json_object, values.json_array):
        assert refusal(function, 5).code is RejectCode.JSON_SHAPE
