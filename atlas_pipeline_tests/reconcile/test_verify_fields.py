"""Of a document that is not its row, verify names the paths, the values and the types, and of a secret nothing."""

from __future__ import annotations

import json
from typing import Any

import bson
import pytest
from bson import SON, Binary, Decimal128, Int64
from bson.raw_bson import RawBSONDocument

from atlas_pipeline.reconcile.differences import Kind
from atlas_pipeline.reconcile.fields import FieldComparison
from atlas_pipeline_tests.reconcile.proof import Proof, found
from atlas_pipeline_tests.reconcile.proof_tables import PEOPLE

SECRET, HIDDEN = "hunter2-the-password", "another-secret-text"
PERSON = {
    "id": "p1",
    "name": "Ada",
    "age": 36,
    "balance": "1.5",
    "score": 2.0,
    "born": "1815-12-10 01:02:03.004",
    "tags": '["a", "b"]',
    "settings": '{"theme": {"dark": true, "list": [1, {"x": 2}, 3]}, "zoom": 0.0}',
    "visits": "[1, [2, 3]]",
    "password": SECRET,
    "keys": json.dumps({"first": HIDDEN, "more": [HIDDEN]}),
}


@pytest.fixture
def people(sqlite_proof: Proof) -> Proof:
    """One person on both sides, and one more that stays as it is."""
    sqlite_proof.table(PEOPLE, [tuple(PERSON.values()), ("p2", *[None] * 10)])
    return sqlite_proof


def after(people: Proof, *update: Any) -> tuple[str, list[str]]:
    """Kind and fields of the one difference after an update of the document."""
    people.live(PEOPLE).update_one({"_id": "p1"}, *update)
    ((kind, key, fields),) = found(people.verify(PEOPLE))
    assert key == "p1"
    return kind, fields


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("name", "Ida", "name: 'Ada' (string) is 'Ida' (string)"),
        ("name", "Ada ", "name: 'Ada' (string) is 'Ada ' (string)"),
        ("name", None, "name: 'Ada' (string) is null (null)"),
        ("facts.age", "36", "facts.age: 36 (int) is '36' (string)"),
        ("facts.age", True, "facts.age: 36 (int) is true (bool)"),
        ("facts.balance", Decimal128("1.51"), "facts.balance: 1.5 (decimal) is 1.51 (decimal)"),
        ("facts.score", float("nan"), "facts.score: 2.0 (double) is nan (double)"),
        ("tags.1", "c", "tags.1: 'b' (string) is 'c' (string)"),
        ("tags", [], "tags.0: 'a' (string) is  (missing)"),
        ("tags", "a, b", "tags: ['a', 'b'] (array) is 'a, b' (string)"),
        ("settings.theme.dark", False, "settings.theme.dark: true (bool) is false (bool)"),
        ("settings.theme.list.1.x", 5, "settings.theme.list.1.x: 2 (int) is 5 (int)"),
        ("settings.theme.list.1.y", 5, "settings.theme.list.1.y:  (missing) is 5 (int)"),
        ("settings.theme.list.1", [2], "settings.theme.list.1: {x: 2} (object) is [2] (array)"),
        ("settings.theme.list.3", Binary(b"\xff"), "settings.theme.list.3:  (missing) is 0xff (binData)"),
        ("visits.1.0", 9, "visits.1.0: 2 (int) is 9 (int)"),
    ],
)
def test_a_changed_value_is_named_with_its_path(people: Proof, path: str, value: Any, said: str) -> None:
    kind, fields = after(people, {"$set": {path: value}})
    assert (kind, fields[0]) == ("value", said)
    assert len(fields) == (2 if value == [] else 1)


def test_a_moment_that_is_a_millisecond_off_is_found(people: Proof) -> None:
    born = people.live(PEOPLE).find_one("p1")["facts"]["born"]
    kind, fields = after(people, {"$set": {"facts.born": born.replace(microsecond=5_000)}})
    assert kind == "value"
    assert fields == ["facts.born: 1815-12-10T01:02:03.004000+00:00 (date) is 1815-12-10T01:02:03.005000+00:00 (date)"]


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("facts.age", Int64(36), "facts.age: 36 (int) is 36 (long)"),
        ("facts.age", 36.0, "facts.age: 36 (int) is 36.0 (double)"),
        ("facts.age", Decimal128("36.00"), "facts.age: 36 (int) is 36.00 (decimal)"),
        ("facts.balance", Decimal128("1.50"), "facts.balance: 1.5 (decimal) is 1.50 (decimal)"),
        ("facts.balance", 1.5, "facts.balance: 1.5 (decimal) is 1.5 (double)"),
        ("facts.score", 2, "facts.score: 2.0 (double) is 2 (int)"),
        ("settings.zoom", -0.0, "settings.zoom: 0.0 (double) is -0.0 (double)"),
        ("settings.theme.list.1.x", Int64(2), "settings.theme.list.1.x: 2 (int) is 2 (long)"),
    ],
)
def test_the_same_value_in_another_form_is_a_matter_of_representation(
    people: Proof, path: str, value: Any, said: str
) -> None:
    assert after(people, {"$set": {path: value}}) == ("representation", [said])


def test_another_order_of_fields_is_a_matter_of_representation(people: Proof) -> None:
    facts = people.live(PEOPLE).find_one("p1")["facts"]
    kind, fields = after(people, {"$set": {"facts": dict(reversed(facts.items()))}})
    assert kind == "representation"
    assert fields == ["facts (field order): age, balance, score, born (object) is born, score, balance, age (object)"]
    people.load(PEOPLE)
    kind, fields = after(people, [{"$replaceWith": {"_id": "$_id", "access": "$access", "name": "$name",
        "facts": "$facts", "tags": "$tags", "settings": "$settings", "visits": "$visits"}}])  # fmt: skip
    assert kind == "representation"
    assert fields[0].startswith("(field order): _id, name, facts")


def test_one_wrong_value_makes_it_a_difference_of_value_and_all_places_are_named(people: Proof) -> None:
    kind, fields = after(people, {"$set": {"facts.age": Int64(36), "name": "x", "more": 1}, "$unset": {"tags": 1}})
    assert kind == "value"
    assert [field.split(":")[0] for field in fields] == ["name", "facts.age", "tags", "more"]


@pytest.mark.parametrize(
    ("update", "paths"),
    [
        ({"$set": {"access.password": "guessed"}}, ["access.password"]),
        ({"$set": {"access.keys.first": "guessed"}}, ["access.keys"]),
        ({"$set": {"access.keys.more.0": "guessed"}}, ["access.keys"]),
        ({"$unset": {"access.keys": 1}}, ["access.keys"]),
        ({"$unset": {"access": 1}}, ["access"]),
        ({"$set": {"access": "guessed"}}, ["access"]),
        ({"$set": {"access": ["guessed"]}}, ["access"]),
    ],
)
def test_of_a_secret_only_a_fingerprint_comes_out(people: Proof, update: Any, paths: list[str]) -> None:
    people.live(PEOPLE).update_one({"_id": "p1"}, update)
    verification = people.verify(PEOPLE)
    (difference,) = verification.differences
    assert [field.path for field in difference.fields] == paths
    assert all(field.expected.startswith("hmac:") for field in difference.fields)
    assert all(field.actual.startswith("hmac:") or not field.actual for field in difference.fields)
    everything = json.dumps([verification.as_json(), verification.differences_as_json()], default=str)
    everything += json.dumps(
        [list(people.pipeline[name].find()) for name in ("verifications", "differences")], default=str
    )
    assert not [word for word in (SECRET, HIDDEN, "guessed") if word in everything]


def test_fingerprints_differ_from_one_verification_to_the_next_and_not_within_one(people: Proof) -> None:
    people.change("UPDATE people SET password = ? WHERE id = ?", SECRET, "p2")
    people.live(PEOPLE).update_one({"_id": "p1"}, {"$set": {"access.password": "guessed"}})

    def shown() -> list[str]:
        return [one.fields[0].expected for one in people.verify(PEOPLE).differences]

    first, second = shown(), shown()
    assert first[0] == first[1]  # both rows have the same password
    assert second[0] == second[1]
    assert first[0] != second[0]


def test_secrets_in_rows_that_are_missing_or_refused_do_not_come_out(people: Proof) -> None:
    people.live(PEOPLE).delete_one({"_id": "p1"})
    people.change("INSERT INTO people (id, age, password) VALUES (?, ?, ?)", "p3", "no number", SECRET)
    verification = people.verify(PEOPLE)
    assert verification.missing_in_target == 2
    assert SECRET not in json.dumps([verification.differences_as_json(), verification.as_json()])


def test_long_values_are_shortened(people: Proof) -> None:
    _, (field,) = after(people, {"$set": {"name": "x" * 100_000}})
    assert len(field) < 300
    assert field.endswith("… (string)")


@pytest.mark.parametrize("repeated", [(1, 1), (1, 2), (2, 1)])
def test_a_field_that_is_there_twice_is_a_difference_of_value(repeated: tuple[int, int]) -> None:
    expected = bson.encode({"_id": "p", "a": 1})
    body = bson.encode({"_id": "p", "a": repeated[0]})[4:-1] + bson.encode({"a": repeated[1]})[4:-1]
    actual = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    assert list(RawBSONDocument(actual).raw) == list(actual)
    kind, fields = FieldComparison((), b"key").compare(expected, actual)
    assert (kind, fields[-1].path) == (Kind.VALUE, "(repeated fields)")


def test_numbers_are_compared_exactly(people: Proof) -> None:
    comparison = FieldComparison((), b"key")
    same = [
        (0.1, Decimal128("0.1000000000000000055511151231257827")),
        (2**53, 2.0**53),
        (float("nan"), Decimal128("NaN")),
    ]
    other = [(0.1, Decimal128("0.1")), (2**53 + 1, 2.0**53), (Int64(2**53 + 1), 2.0**53), (0, float("nan"))]
    for pairs, kind in ((same[1:], Kind.REPRESENTATION), ([same[0], *other], Kind.VALUE)):
        for one, another in pairs:
            assert comparison.compare(bson.encode(SON(v=one)), bson.encode(SON(v=another)))[0] is kind, (one, another)
