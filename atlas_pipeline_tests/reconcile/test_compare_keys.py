"""The walk over all keys finds what is missing and what is too much, whatever type an `_id` has."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from bson import SON, Binary, Decimal128, Int64, MaxKey, MinKey, ObjectId

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.reconcile.keys import EXAMPLES
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.source_files import ITEMS, PAIRS, item
from atlas_pipeline_tests.reconcile.conftest import Both

NUMBERS = TableSpec(source="numbers", collection="numbers", key=("id",), columns=(integer("id"), text("note", 80)))
STRANGE_TEXTS = ["", "\0", "\0a", " ", "A", "a", "a\0", "a ", "é", "e\u0301", "\uffee", "𠮷", "\U0010ffff"]


def numbered(*ids: int) -> list[tuple[int, str]]:
    return [(number, f"note {number}") for number in ids]


def test_equal_sides_match_key_by_key(both: Both) -> None:
    both.fill(ITEMS, [item(number) for number in range(2_500)])
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (2_500, 0, 0)
    assert (found.missing_examples, found.extra_examples) == ([], [])


def test_two_empty_sides_match(both: Both) -> None:
    both.fill(ITEMS, [])
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (0, 0, 0)


@pytest.mark.parametrize("gone", [[0], [99], [0, 1, 50, 98, 99]])
def test_a_row_without_a_document_is_missing(both: Both, gone: list[int]) -> None:
    both.fill(ITEMS, [item(number) for number in range(100)])
    both.collection.delete_many({"_id": {"$in": [item(number)[0] for number in gone]}})
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (100 - len(gone), len(gone), 0)
    assert found.missing_examples == [(item(number)[0],) for number in gone]


@pytest.mark.parametrize("key", ["", "item-00000a", "item-00050 ", "zzz"])
def test_a_document_without_a_row_is_extra(both: Both, key: str) -> None:
    both.fill(ITEMS, [item(number) for number in range(100)])
    both.collection.insert_one({"_id": key})
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (100, 0, 1)
    assert found.extra_examples == [(key,)]


def test_everything_is_counted_and_the_first_ones_are_named(both: Both) -> None:
    both.fill(ITEMS, [item(number) for number in range(2_600)])
    both.collection.delete_many({"_id": {"$lt": item(2_500)[0]}})
    both.collection.insert_many([{"_id": f"other-{number:03}"} for number in range(30)])
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (100, 2_500, 30)
    assert found.missing_examples == [item(number)[:1] for number in range(EXAMPLES)]
    assert found.extra_examples == [(f"other-{number:03}",) for number in range(EXAMPLES)]


def test_a_row_in_quarantine_is_not_missing(both: Both) -> None:
    bad: list[Any] = ["bad", None, b"\xff", Undecodable(b"caf\xe9"), "long" * 20_000]
    both.fill(ITEMS, [item(1), item(2), *((key, "not a number", None) for key in bad)])
    both.collection.delete_one({"_id": item(2)[0]})
    assert both.quarantine.count() == len(bad)
    found = both.keys()
    assert (found.matched, found.missing_examples, found.extra) == (1, [item(2)[:1]], 0)
    both.put_into_quarantine(item(2))
    assert both.keys().missing == 0


def test_a_quarantined_row_of_another_run_does_not_count(both: Both) -> None:
    both.fill(ITEMS, [item(1), item(2)])
    both.collection.delete_one({"_id": item(2)[0]})
    both.put_into_quarantine(item(2))
    database = both.collection.database
    entries = database.client[f"{database.name}_pipeline"]["quarantine"]
    assert (
        entries.update_many({"collection": both.collection.name}, {"$set": {"run_id": "another"}}).modified_count == 1
    )
    assert both.keys().missing == 1


def test_a_row_that_repeats_a_key_needs_a_place_of_its_own(both: Both) -> None:
    both.fill(ITEMS, [("a", 1, None), ("a", 2, None), ("b", 3, None)])
    assert (both.keys().matched, both.keys().missing_examples) == (2, [("a",)])
    both.put_into_quarantine(("a", 2, None))
    assert (both.keys().matched, both.keys().missing, both.keys().extra) == (2, 0, 0)


FOREIGN: list[Any] = [
    None,
    MinKey(),
    MaxKey(),
    ObjectId(),
    Binary(b"item"),
    datetime(2026, 1, 1, tzinfo=UTC),
    1.5,
    Decimal128("2.5"),
    True,
    False,
    {"id": "item-00001"},
    {"id": 1},
    {},
    SON([("team", 1), ("account", "a")]),
]


@pytest.mark.parametrize("table", [ITEMS, NUMBERS, PAIRS], ids=["text", "integer", "composite"])
def test_an_id_of_another_type_or_shape_is_extra_and_hides_nothing(both: Both, table: TableSpec) -> None:
    rows: dict[str, list[Any]] = {
        "items": [("item-00001", 1, None), ("z", 1, None)],
        "numbers": numbered(0, 1, 2**40),
        "pairs": [("a", 1, None), ("b", -1, None)],
    }
    foreign = [*FOREIGN, *(["item"] if table is not ITEMS else []), *([7] if table is ITEMS else [])]
    if table is PAIRS:
        foreign.remove(FOREIGN[-1])
        foreign += [SON([("account", "a"), ("team", 1)]), {"t": 1, "a": "a"}, {"team": True, "account": "b"}, 1]
    both.fill(table, rows[table.source])
    both.collection.insert_many([{"_id": each} for each in foreign])
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (len(rows[table.source]), 0, len(foreign))


@pytest.mark.parametrize("impostor", [True, {"id": 1}, 1.5, "1", ObjectId()])
def test_an_id_that_only_resembles_a_key_does_not_stand_in_for_it(both: Both, impostor: Any) -> None:
    both.fill(NUMBERS, numbered(1))
    both.collection.delete_one({"_id": 1})
    both.collection.insert_one({"_id": impostor})
    found = both.keys()
    assert (found.matched, found.missing_examples, found.extra) == (0, [(1,)], 1)


def test_a_text_and_a_sub_document_with_that_text_are_two_keys(both: Both) -> None:
    both.fill(ITEMS, [("a", 1, None)])
    both.collection.delete_one({})
    both.collection.insert_one({"_id": {"id": "a"}})
    found = both.keys()
    assert (found.matched, found.missing, found.extra_examples) == (0, 1, [("a",)])


def test_integers_are_one_key_whatever_their_width(both: Both) -> None:
    both.fill(NUMBERS, numbered(-(2**63), -1, 0, 5, 2**31, 2**53, 2**53 + 1, 2**63 - 1))
    both.collection.delete_one({"_id": 5})
    both.collection.insert_one({"_id": Int64(5)})
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (8, 0, 0)


def test_both_sides_order_strange_texts_alike(both: Both) -> None:
    both.fill(ITEMS, [(key, number, None) for number, key in enumerate(STRANGE_TEXTS)])
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (len(STRANGE_TEXTS), 0, 0)


def test_composite_keys_are_walked_in_their_order(both: Both) -> None:
    names = ["a", "b", "é", "𠮷", "", "a "]
    both.fill(PAIRS, [(name, team, None) for name in names for team in (-1, 0, 2, 10, 2**40)])
    assert (both.keys().matched, both.keys().extra) == (30, 0)
    both.collection.delete_one({"_id": SON([("team", 2), ("account", "b")])})
    both.collection.insert_one({"_id": SON([("team", 2), ("account", "bb")])})
    found = both.keys()
    assert (found.matched, found.missing_examples, found.extra_examples) == (29, [(2, "b")], [(2, "bb")])


@pytest.mark.parametrize("seed", range(8))
def test_any_difference_is_found_exactly(both: Both, seed: int) -> None:
    rng = random.Random(seed)
    key = [f"{rng.randrange(13)}-{number}" for number in range(1_000)]
    rows = set(rng.sample(key, 150))
    there = set(rng.sample(key, 50)) | set(rng.sample(sorted(rows), 100))
    set_aside = set(rng.sample(sorted(rows - there), len(rows - there) // 2))
    both.fill(ITEMS, [(each, 1, None) for each in rows])
    both.collection.delete_many({"_id": {"$nin": list(there)}})
    both.collection.insert_many([{"_id": each} for each in there - rows])
    for each in set_aside:
        both.put_into_quarantine((each, 1, None))
    found = both.keys()
    assert (found.matched, found.missing, found.extra) == (
        len(rows & there),
        len(rows - there - set_aside),
        len(there - rows),
    )
