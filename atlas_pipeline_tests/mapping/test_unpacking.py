"""A sub-document made from JSON loses nothing: what has a place moves there, all else is in the rest as it was."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.mapping.reject import RejectCode, ValueRejectedError
from atlas_pipeline.mapping.unpacking import unpacker, with_dates
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.expressions import FirstOf, Tail, Unpacked
from atlas_pipeline.spec.shapes import copied, fixed, moved, unpacked, whole

Unpack = Callable[[Any], Any]

WITH_A_REST = [
    pytest.param(choice, id=f"{field.path}-of-{choice.column}")
    for table in INVESTIGATION_PLATFORM.tables
    for field in table.document
    for choice in (field.source.choices if isinstance(field.source, FirstOf) else (field.source,))
    if isinstance(choice, Unpacked) and choice.rest
]
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=4)  # as keys that BSON takes
NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)


def same(one: Any, other: Any) -> bool:
    """Whether two values have the same BSON, number types and order included."""
    return bson.encode({"": one}) == bson.encode({"": other})


def objects_for(spec: Unpacked) -> st.SearchStrategy[dict[str, Any]]:
    """JSON objects with many keys that the sub-document knows, under values that fit and values that do not."""
    known = {
        spec.rest,
        *(member.name for member in spec.members),
        *(member.moved for member in spec.members if member.moved),
    }
    known |= {str(step) for member in spec.members for path in member.copied for step in path}
    keys = st.sampled_from(sorted(known)) | TEXTS
    return st.dictionaries(keys, JSON_VALUES, max_size=6)


# --- nothing is lost -------------------------------------------------------------------------------------------------


def test_the_catalog_has_five_sub_documents_with_a_rest() -> None:
    assert len(WITH_A_REST) == 5


@pytest.mark.parametrize("spec", WITH_A_REST)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_every_key_of_the_original_is_in_the_rest_or_in_the_one_member_it_moved_to(
    spec: Unpacked, data: st.DataObject
) -> None:
    original = data.draw(objects_for(spec))
    untouched = json.dumps(original)
    made = unpacker(spec)(original)
    assert json.dumps(original) == untouched
    assert list(made) == [*(member.name for member in spec.members), spec.rest]

    rest, moved_to = made[spec.rest], {member.moved: member for member in spec.members if member.moved}
    rebuilt = dict(rest)
    for key in original.keys() - rest.keys():
        member = moved_to[key]
        rebuilt[key] = made[member.name]
        if member.value is ValueType.DOUBLE and type(original[key]) is int:
            assert type(rebuilt[key]) is float
            rebuilt[key] = int(rebuilt[key])
    assert rebuilt.keys() == original.keys()
    assert all(same(rebuilt[key], original[key]) for key in original)


@pytest.mark.parametrize("spec", WITH_A_REST)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_a_member_whose_key_did_not_move_holds_its_default_or_what_it_copies(
    spec: Unpacked, data: st.DataObject
) -> None:
    original = data.draw(objects_for(spec))
    made = unpacker(spec)(original)
    for member in spec.members:
        if (member.moved and member.moved in original.keys() - made[spec.rest].keys()) or member.copied:
            continue
        assert same(made[member.name], json.loads(member.default))


@settings(max_examples=40, deadline=None)
@given(value=JSON_VALUES.filter(lambda value: value is not None))
def test_the_whole_value_is_whole_whatever_json_it_is(value: Any) -> None:
    views = (copied("list", ValueType.JSON_ARRAY, ("a",), default=[]), copied("any", ValueType.JSON, ("b",)))
    made = unpacker(unpacked("j", *views, whole("all", ValueType.JSON)))(value)
    assert same(made["all"], value)


@given(texts=st.lists(TEXTS, max_size=5))
def test_first_and_others_together_are_the_array(texts: list[str]) -> None:
    made = FIRST_AND_OTHERS(texts)
    assert (made["first"], made["others"]) == (texts[0] if texts else None, texts[1:])


# --- what fits -------------------------------------------------------------------------------------------------------

FIRST_AND_OTHERS = unpacker(
    unpacked(
        "j",
        copied("first", ValueType.TEXT, (0,)),
        copied("others", ValueType.JSON_ARRAY, (Tail(1),), default=[]),
    )
)


def moving(value: ValueType, **options: Any) -> Unpack:
    """The function of a sub-document with one member, and a rest."""
    return unpacker(unpacked("j", moved("place", value, key="key", **options), rest="rest"))


FITTING = [
    (ValueType.TEXT, "", ""),
    (ValueType.INTEGER, 7, 7),
    (ValueType.DOUBLE, 0.5, 0.5),
    (ValueType.DOUBLE, 7, 7.0),
    (ValueType.DOUBLE, -(2**53), -(2.0**53)),
    (ValueType.BOOLEAN, False, False),
    (ValueType.JSON_OBJECT, {}, {}),
    (ValueType.JSON_ARRAY, [], []),
    (ValueType.JSON, 0, 0),
    (ValueType.DATETIME, "2025-01-02T03:04:05Z", datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)),
]
NOT_FITTING = [
    (ValueType.TEXT, 5),
    (ValueType.TEXT, None),
    (ValueType.INTEGER, 7.0),
    (ValueType.INTEGER, True),
    (ValueType.INTEGER, "7"),
    (ValueType.DOUBLE, 2**53 + 1),
    (ValueType.DOUBLE, True),
    (ValueType.DOUBLE, "0.5"),
    (ValueType.BOOLEAN, 1),
    (ValueType.JSON_OBJECT, []),
    (ValueType.JSON_ARRAY, {}),
    (ValueType.JSON, None),
    (ValueType.DATETIME, "yesterday"),
    (ValueType.DATETIME, 1_735_787_045),
]


@pytest.mark.parametrize(("kind", "value", "stored"), FITTING)
def test_a_value_of_the_declared_kind_moves_and_leaves_the_rest(kind: ValueType, value: Any, stored: Any) -> None:
    made = moving(kind)({"key": value, "other": 1})
    assert same(made, {"place": stored, "rest": {"other": 1}})


@pytest.mark.parametrize(("kind", "value"), NOT_FITTING)
def test_a_value_of_another_kind_stays_in_the_rest(kind: ValueType, value: Any) -> None:
    assert same(moving(kind)({"key": value, "other": 1}), {"place": None, "rest": {"key": value, "other": 1}})


def test_a_default_stands_where_nothing_was_found_that_fits() -> None:
    made = moving(ValueType.JSON_ARRAY, default=[])
    assert made({}) == {"place": [], "rest": {}}
    assert made({"key": None}) == {"place": [], "rest": {"key": None}}
    assert made({"key": ["x"]}) == {"place": ["x"], "rest": {}}


def test_defaults_are_not_shared_with_what_was_moved() -> None:
    made = moving(ValueType.JSON_ARRAY, default=[])
    first = made({"key": ["x"]})
    assert first["place"] == ["x"]
    assert made({})["place"] == []


def test_a_key_that_has_the_name_of_a_member_or_of_the_rest_is_a_key_like_any_other() -> None:
    made = moving(ValueType.TEXT)({"place": "of its own", "rest": "too"})
    assert made == {"place": None, "rest": {"place": "of its own", "rest": "too"}}


def test_null_makes_no_sub_document() -> None:
    assert moving(ValueType.TEXT)(None) is None


# --- what is copied --------------------------------------------------------------------------------------------------


def test_paths_are_tried_in_turn_and_what_they_name_stays_where_it_is() -> None:
    made = unpacker(unpacked("j", copied("kind", ValueType.TEXT, ("kind",), ("parts", 0, "kind")), rest="rest"))
    both = {"kind": "top", "parts": [{"kind": "first"}]}
    assert made(both) == {"kind": "top", "rest": both}
    assert made({"parts": [{"kind": "first"}, {"kind": "second"}]})["kind"] == "first"
    assert made({"kind": 5, "parts": [{"kind": "first"}]})["kind"] == "first"
    for nothing in ({}, {"parts": []}, {"parts": {"0": {"kind": "x"}}}, {"parts": [7]}, {"parts": "text"}):
        assert made(nothing) == {"kind": None, "rest": nothing}


def test_what_did_not_move_is_copied_from_elsewhere() -> None:
    percent = unpacker(
        unpacked("j", moved("percent", ValueType.DOUBLE, copied=(("old",),), default=0.0), rest="rest"),
    )
    assert percent({"percent": 5, "old": 7}) == {"percent": 5.0, "rest": {"old": 7}}
    assert percent({"percent": "5", "old": 7}) == {"percent": 7.0, "rest": {"percent": "5", "old": 7}}
    assert percent({"old": None}) == {"percent": 0.0, "rest": {"old": None}}


def test_a_value_that_has_no_other_place_refuses_the_row_and_is_not_shown() -> None:
    for wrong in ([5], [None, "b"], [["a"]]):
        with pytest.raises(ValueRejectedError, match=r"^(?!.*5)") as caught:
            FIRST_AND_OTHERS(wrong)
        assert caught.value.code is RejectCode.JSON_SHAPE
        assert "first is to be text" in caught.value.reason


def test_a_sub_document_that_found_nothing_of_its_own_is_null_where_the_spec_says_so() -> None:
    members = (copied("summary", ValueType.TEXT, ("summary",)), fixed("notes", []))
    made = unpacker(unpacked("j", *members, absent_when_bare=True), kept_elsewhere=True)
    assert made({"other": 1}) is None
    assert made({"summary": None}) is None
    assert made({"summary": 5}) is None
    assert made({"summary": ""}) == {"summary": "", "notes": []}


def test_what_is_kept_elsewhere_need_not_fit() -> None:
    spec = unpacked("j", copied("risk", ValueType.DOUBLE, ("risk",), ("older",)), fixed("notes", []))
    assert unpacker(spec, kept_elsewhere=True)({"risk": None, "older": 1}) == {"risk": 1.0, "notes": []}
    with pytest.raises(ValueRejectedError, match="risk is to be double"):
        unpacker(spec)({"risk": None, "older": 1})


# --- dates in JSON ---------------------------------------------------------------------------------------------------

NOON = datetime(2025, 6, 30, 12, 0, tzinfo=UTC)
DATES = [
    ("2025-06-30T12:00:00Z", NOON),
    ("2025-06-30T12:00Z", NOON),
    ("2025-06-30 12:00:00", NOON),
    ("2025-06-30T14:30:00+02:30", NOON),
    ("2025-06-30T10:00:00-0200", NOON),
    ("2025-06-30T12:00:00.5+00:00", NOON.replace(microsecond=500_000)),
    ("2025-06-30T12:00:00.123000", NOON.replace(microsecond=123_000)),
]
NO_DATES = [
    "2025-06-30T12:00:00.123456Z",
    "2025-06-30",
    "12:00:00",
    "2025-02-30T12:00:00Z",
    "2025-06-30T25:00:00Z",
    "0001-01-01T00:00:00+01:00",
    "2025-06-30T12:00:00Z and so on",
    "",
]


@pytest.mark.parametrize(("text", "date"), DATES)
def test_an_iso_text_under_a_named_key_becomes_the_moment_in_utc(text: str, date: datetime) -> None:
    assert with_dates({"at": text, "said": text}, frozenset({"at"})) == {"at": date, "said": text}


@pytest.mark.parametrize("text", NO_DATES)
def test_a_text_that_is_no_moment_of_milliseconds_stays_a_text(text: str) -> None:
    assert with_dates({"at": text}, frozenset({"at"})) == {"at": text}


def test_dates_are_found_at_any_depth_and_the_rest_is_as_it_was() -> None:
    value = [{"at": "2025-06-30T12:00:00Z", "in": [{"at": ["2025-06-30T12:00:00Z", {"at": "2025-06-30T12:00Z"}]}]}, 5]
    expected = [{"at": NOON, "in": [{"at": ["2025-06-30T12:00:00Z", {"at": NOON}]}]}, 5]
    assert with_dates(value, frozenset({"at"})) == expected
    assert value[0]["at"] == "2025-06-30T12:00:00Z"
