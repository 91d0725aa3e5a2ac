"""Every field of the sampled documents is compared with its row: value, type, number width and place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import bson
import pytest
from bson import SON, Int64

from atlas_pipeline.extract.snapshot import Row, Undecodable
from atlas_pipeline.reconcile.compare import MISSING, decode, differing_fields
from atlas_pipeline.spec.shorthand import boolean, double, integer, json_object, text, utc
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.source_files import ITEMS, PAIRS
from atlas_pipeline_tests.reconcile.conftest import Both

Change = Callable[[dict[str, Any]], dict[str, Any]]

THINGS = TableSpec(
    source="things",
    collection="things",
    key=("id",),
    columns=(
        text("id", 36),
        text("name", 80, nullable=True),
        integer("amount"),
        double("share"),
        boolean("active"),
        utc("since", inexact="milliseconds"),
        json_object("settings", nullable=True),
    ),
)


def thing(key: str, **changes: Any) -> Row:
    values = {
        "id": key,
        "name": "a name",
        "amount": 5,
        "share": 2.0,
        "active": 1,
        "since": "2026-01-01 00:00:00.123456",
        "settings": '{"n": 1, "list": [1, 2.0], "o": {"a": 1, "b": 2}}',
        **changes,
    }
    return tuple(values.values())


def swapped(document: dict[str, Any]) -> dict[str, Any]:
    """The same fields, the last two in another order."""
    *others, before, last = document
    return {name: document[name] for name in [*others, last, before]}


def without(document: dict[str, Any], field: str) -> dict[str, Any]:
    return {name: value for name, value in document.items() if name != field}


CHANGES: dict[str, tuple[Change, tuple[str, ...]]] = {
    "a value": (lambda d: {**d, "name": "a Name"}, ("name",)),
    "a text for null": (lambda d: {**d, "name": None}, ("name",)),
    "int to long": (lambda d: {**d, "amount": Int64(5)}, ("amount",)),
    "int to double": (lambda d: {**d, "amount": 5.0}, ("amount",)),
    "double to int": (lambda d: {**d, "share": 2}, ("share",)),
    "bool to int": (lambda d: {**d, "active": 1}, ("active",)),
    "a millisecond": (lambda d: {**d, "since": d["since"] + timedelta(milliseconds=1)}, ("since",)),
    "a date to text": (lambda d: {**d, "since": "2026-01-01 00:00:00.123456"}, ("since",)),
    "a missing field": (lambda d: without(d, "settings"), ("settings",)),
    "an extra field": (lambda d: {**d, "extra": None}, ("extra",)),
    "another name": (lambda d: {**without(d, "settings"), "Settings": d["settings"]}, ("settings", "Settings")),
    "field order": (swapped, ("(field order)",)),
    "order inside": (lambda d: {**d, "settings": swapped(d["settings"])}, ("settings",)),
    "a width inside": (lambda d: {**d, "settings": {**d["settings"], "n": Int64(1)}}, ("settings",)),
    "a type in a list": (lambda d: {**d, "settings": {**d["settings"], "list": [1, 2]}}, ("settings",)),
    "two fields": (lambda d: {**d, "name": "x", "amount": 6}, ("name", "amount")),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_document_is_found_with_the_fields_that_differ(both: Both, change: str) -> None:
    both.fill(THINGS, [thing("a"), thing("b"), thing("c", name=None, settings="null")])
    alter, fields = CHANGES[change]
    document = decode(next(iter(both.collection.find_raw_batches({"_id": "b"}))))
    both.collection.replace_one({"_id": "b"}, alter(document))
    found = both.sample()
    assert found.differing == {"b": fields}
    assert (found.compared, found.quarantined) == (3, 0)


def test_equal_documents_do_not_differ_and_are_handed_on_decoded(both: Both) -> None:
    both.fill(THINGS, [thing("a"), thing("b", amount=2**40, share=-0.0)])
    found = both.sample()
    assert (found.compared, found.quarantined, found.differing) == (2, 0, {})
    assert [bson.encode(document) for document in found.documents] == both.mapper.map_batch(
        both.snapshot.rows_by_key(THINGS, [("a",), ("b",)])
    ).documents


def test_a_document_that_is_not_there_differs(both: Both) -> None:
    both.fill(THINGS, [thing("a"), thing("b")])
    both.collection.delete_one({"_id": "a"})
    found = both.sample()
    assert (found.differing, found.compared, len(found.documents)) == ({"a": (MISSING,)}, 2, 1)


def test_a_document_under_another_id_is_not_there(both: Both) -> None:
    numbers = TableSpec(source="numbers", collection="numbers", key=("id",), columns=(integer("id"),))
    both.fill(numbers, [(1,), (2,)])
    both.collection.delete_one({"_id": 1})
    both.collection.insert_one({"_id": "1"})
    assert both.sample().differing == {1: (MISSING,)}


def test_the_width_of_an_id_is_compared_too(both: Both) -> None:
    numbers = TableSpec(source="numbers", collection="numbers", key=("id",), columns=(integer("id"),))
    both.fill(numbers, [(1,), (2,)])
    both.collection.delete_many({})
    both.collection.insert_many([{"_id": Int64(1)}, {"_id": 2.0}])
    assert both.sample().differing == {1: ("_id",), 2: ("_id",)}


def test_composite_ids_are_compared(both: Both) -> None:
    both.fill(PAIRS, [("a", 1, "x"), ("b", 1, "y"), ("c", 2, None)])
    assert both.sample().differing == {}
    first, second, third = (SON([("team", team), ("account", account)]) for account, team in ("a1", "b1", "c2"))
    both.collection.update_one({"_id": {"team": 1, "account": "a"}}, {"$set": {"note": "changed"}})
    both.collection.delete_one({"_id": {"team": 2, "account": "c"}})
    assert list(map(list, (first, second, third))) == [["team", "account"]] * 3
    assert both.sample().differing == {
        (("team", 1), ("account", "a")): ("note",),
        (("team", 2), ("account", "c")): (MISSING,),
    }


def test_rows_in_quarantine_have_no_document_and_do_not_differ(both: Both) -> None:
    bad: list[Row] = [thing("b", amount="five"), thing("c", name=Undecodable(b"caf\xe9"))]
    both.fill(THINGS, [thing("a"), *bad, thing("d")])
    both.collection.delete_one({"_id": "d"})
    both.put_into_quarantine(thing("d"))
    found = both.sample()
    assert (found.compared, found.quarantined, found.differing) == (1, 3, {})


def test_a_row_that_repeats_a_key_is_in_quarantine_and_does_not_differ(both: Both) -> None:
    both.fill(ITEMS, [("a", 1, "first"), ("a", 2, "second"), ("b", 3, None)])
    both.put_into_quarantine(("a", 2, "second"))
    found = both.sample()
    assert (found.compared, found.quarantined, found.differing) == (2, 1, {})


def test_a_text_that_the_source_turned_into_a_number_is_compared_as_text(both: Both) -> None:
    table = TableSpec(
        source="usage",
        collection="usage",
        key=("id",),
        columns=(integer("id"), text("user_id", sql_type="INTEGER", restored_from=("users", "id"))),
    )
    both.fill(table, [(1, "42"), (2, "u-1")])
    assert both.sample().differing == {}
    both.collection.update_one({"_id": 1}, {"$set": {"user_id": 42}})
    assert both.sample().differing == {1: ("user_id",)}


# --- objects that the driver takes for something else ----------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        '{"$ref": "#/definitions/host", "$id": "https://example.org/host"}',
        '{"$id": 1, "$ref": "x", "$db": "y", "z": {"$ref": "a", "$id": [{"$ref": "b", "$id": 2}]}}',
        '{"$ref": 1, "$id": 2}',
        '{"$oid": "507f1f77bcf86cd799439011", "$date": "2026-01-01T00:00:00Z"}',
    ],
)
def test_an_object_with_the_keys_of_a_reference_stays_an_object(both: Both, settings: str) -> None:
    both.fill(THINGS, [thing("a", settings=settings)])
    found = both.sample()
    assert (found.compared, found.differing) == (1, {})
    (document,) = found.documents
    assert type(document["settings"]) is dict
    assert [bson.encode(document)] == both.mapper.map_batch([thing("a", settings=settings)]).documents
    assert document["since"].tzinfo is not None


def test_a_change_inside_such_an_object_is_found() -> None:
    def encoded(**inner: Any) -> bytes:
        return bson.encode({"_id": 1, "a": {"$ref": "x", **inner}, "b": 1})

    assert differing_fields(encoded(), encoded()) == ()
    for other in (encoded(**{"$id": None}), encoded(**{"$id": None, "$db": "d"}), bson.encode({"_id": 1, "b": 1})):
        assert differing_fields(encoded(), other) == ("a",)
    ordered = [encoded(**{"$id": 1, "z": 2}), encoded(**{"z": 2, "$id": 1})]
    assert differing_fields(*ordered) == ("a",)
