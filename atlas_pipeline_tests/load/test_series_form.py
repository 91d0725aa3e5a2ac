"""Documents of a time series are equal when they differ in nothing but the order that the server does not keep."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import bson
import pytest
from bson import (
    SON,
    Binary,
    Code,
    DBRef,
    Decimal128,
    Int64,
    MaxKey,
    MinKey,
    ObjectId,
    Regex,
    Timestamp,
)

from atlas_pipeline.load.series_form import SeriesForm, fingerprint, in_form
from atlas_pipeline.load.window_sums import MOST_WINDOWS, WindowSums
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.shapes import copied, field, unpacked, whole
from atlas_pipeline_tests.load.small import EVENTS, events

FORM = SeriesForm(EVENTS)
AT = datetime(2026, 1, 1, tzinfo=UTC)
EVERY_TYPE: dict[str, Any] = {
    "z": 1.5,
    "at": AT,
    "null": None,
    "meta": {"z": [{"b": 1, "a": {"d": 1, "c": 2}}, 2], "y": Regex("a", "i"), "x": Code("f"), "w": {}, "empty": []},
    "_id": {"k": 1, "a": 2},
    "object_id": ObjectId(),
    "regex": Regex("x", "im"),
    "code": Code("g", {"s": 1}),
    "timestamp": Timestamp(1, 2),
    "long": Int64(2),
    "decimal": Decimal128("1.0"),
    "binary": Binary(b"abc", 5),
    "min": MinKey(),
    "max": MaxKey(),
    "bool": True,
    "list": [1, {"z": 1, "a": 2}],
    "reference": DBRef("a", 1),
    "text": "s",
    "": "no name",
}


def form(document: dict[str, Any]) -> bytes:
    return FORM.of(bson.encode(document))[1]


def test_the_form_is_a_document_of_the_same_fields_in_one_order() -> None:
    moment, found = FORM.of(bson.encode(EVERY_TYPE))
    decoded = bson.decode(found, bson.CodecOptions(tz_aware=True))
    assert decoded == EVERY_TYPE
    assert list(decoded) == ["_id", "at", "", *sorted(EVERY_TYPE.keys() - {"_id", "at", ""})]
    assert (list(decoded["meta"]), list(decoded["_id"])) == (["empty", "w", "x", "y", "z"], ["k", "a"])
    assert moment == AT.timestamp() * 1000
    assert FORM.of(found) == (moment, found)


@pytest.mark.parametrize("seed", range(20))
def test_the_order_at_the_top_and_in_the_meta_value_does_not_matter(seed: int) -> None:
    items = list(EVERY_TYPE.items())
    random.Random(seed).shuffle(items)
    shuffled = dict(items) | {"meta": dict(random.Random(seed).sample(list(EVERY_TYPE["meta"].items()), 5))}
    shuffled["meta"]["z"] = [{"a": {"c": 2, "d": 1}, "b": 1}, 2]
    assert form(shuffled) == form(EVERY_TYPE)


@pytest.mark.parametrize(
    "change",
    [
        {"long": 2},
        {"long": 2.0},
        {"list": [{"z": 1, "a": 2}, 1]},
        {"list": [1, {"a": 2, "z": 1}]},
        {"_id": SON([("a", 2), ("k", 1)])},
        {"z": -1.5},
        {"decimal": Decimal128("1.00")},
        {"more": None},
        {"null": 0},
        {"meta": {**EVERY_TYPE["meta"], "z": [2, {"b": 1, "a": {"d": 1, "c": 2}}]}},
        {"meta": {**EVERY_TYPE["meta"], "w": []}},
        {"meta": None},
    ],
    ids=repr,
)
def test_everything_else_does(change: dict[str, Any]) -> None:
    assert form({**EVERY_TYPE, **change}) != form(EVERY_TYPE)


def test_a_document_without_meta_value_has_none() -> None:
    without = {"at": AT, "_id": 1}
    assert list(bson.decode(form(without))) == ["_id", "at"]
    assert bson.decode(FORM.meta_of(bson.encode(without))) == {}
    assert bson.decode(FORM.meta_of(bson.encode({**without, "meta": None}))) == {"meta": None}


def test_documents_are_mapped_in_form_so_that_loading_need_not_reorder_them() -> None:
    documents = Mapper(in_form(EVENTS)).map_batch(events(50)).documents
    assert len(documents) == 50
    for document in documents:
        assert FORM.of_mapped(document) == FORM.of(document) == (FORM.of(document)[0], document)
    plain = Mapper(EVENTS).map_batch(events(50)).documents
    assert [FORM.of(document)[1] for document in plain] == documents


def test_a_meta_value_whose_order_is_not_known_beforehand_is_reordered() -> None:
    members = (copied("z", ValueType.INTEGER, ("z",)), copied("a", ValueType.INTEGER, ("a",)))
    labels = field("meta.labels", unpacked("labels", *members, whole("all", ValueType.JSON)))
    table = replace(EVENTS, indexes=(), document=(*EVENTS.document[:3], labels, *EVENTS.document[4:]))
    (document,) = Mapper(in_form(table)).map_batch([(*events(1)[0][:4], '{"z": 1, "a": 2}', 1, None)]).documents
    found = SeriesForm(table)
    assert found.of_mapped(document) == found.of(document)
    assert list(bson.decode(found.of(document)[1])["meta"]["labels"]) == ["a", "all", "z"]


# --- sums by window ---------------------------------------------------------------------------------------------------


def sums(documents: list[tuple[int, bytes]]) -> WindowSums:
    made = WindowSums()
    for moment, document in documents:
        made.add(moment, fingerprint(document))
    return made


def many(count: int, step: int) -> list[tuple[int, bytes]]:
    return [((n - count // 2) * step, str(n).encode()) for n in range(count)]


def test_the_same_documents_are_equal_in_any_order() -> None:
    documents = many(5_000, 10_000)
    shuffled = random.Random(1).sample(documents, len(documents))
    assert sums(documents).differing(sums(shuffled)) == []
    assert (sums(documents).documents, sums(documents).digest) == (5_000, sums(shuffled).digest)


def test_a_document_too_many_too_few_or_another_is_found_in_its_window() -> None:
    documents = many(5_000, 10_000)
    all_of_them = sums(documents)
    moment = documents[70][0]
    another = [*documents[:70], (moment, b"x"), *documents[71:]]
    for other in (documents[:70] + documents[71:], [*documents, documents[70]], another):
        found = sums(other)
        assert all_of_them.differing(found) == [found.window(moment)]
        assert found.count(found.window(moment)) - all_of_them.count(found.window(moment)) == len(other) - 5_000
        assert found.digest != all_of_them.digest


def test_a_document_at_another_time_is_found_in_both_windows() -> None:
    documents = many(100, 120_000)
    moved_one = [(documents[90][0], documents[7][1]) if n == 7 else one for n, one in enumerate(documents)]
    assert len(sums(documents).differing(sums(moved_one))) == 2


@pytest.mark.parametrize("step", [1, 60_000, 10**9])
def test_windows_widen_so_that_there_are_never_too_many(step: int) -> None:
    documents = many(20_000, step)
    left, right = sums(documents), sums(documents[:-1])
    assert len(left._sums) <= MOST_WINDOWS
    assert left.differing(right) == [left.window(documents[-1][0])]
    assert left.differing(sums(documents[:3])) != []  # a few documents have narrow windows at first
    assert left.documents == 20_000
