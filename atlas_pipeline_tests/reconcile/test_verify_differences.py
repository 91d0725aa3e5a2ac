"""Verify finds every kind of difference, names it exactly, and finds nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from bson import SON, Binary, Code, Decimal128, Int64, MaxKey, MinKey, ObjectId, Timestamp

from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import policy
from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, kinds, texts
from atlas_pipeline_tests.reconcile.proof_tables import AMOUNTS, BLOBS, DAYS, ITEMS, NUMBERS, SEATS

ROWS = 300
LARGE = 25_000  # more than the server gives in one batch of 10,000
KEEP = policy(ITEMS, foreign_documents="keep")
FOREIGN: list[Any] = [
    MinKey(),
    None,
    ObjectId("65a000000000000000000000"),
    "a string",
    Binary(b"\0\xff"),
    Binary(b"0123456789abcdef", 4),
    True,
    datetime(2026, 1, 1, tzinfo=UTC),
    Timestamp(5, 1),
    Code("f()"),
    {"id": 1},
    SON([("room", "r1"), ("seat", "x")]),
    {},
    1.5,
    float("nan"),
    float("-inf"),
    float("inf"),
    Decimal128("1E+6111"),
    MaxKey(),
]


def numbers(count: int) -> list[tuple[Any, ...]]:
    return [(n, f"name {n}") for n in range(count)]


def seats(count: int) -> list[tuple[Any, ...]]:
    return [(f"r{n // 10}", n % 10, f"name {n}") for n in range(count)]


SIDES: dict[str, tuple[TableSpec, Any]] = {"text": (ITEMS, texts), "integer": (NUMBERS, numbers), "two": (SEATS, seats)}


@pytest.mark.parametrize("name", SIDES)
def test_equal_sides_are_equal_and_have_the_digest_of_the_load(sqlite_proof: Proof, name: str) -> None:
    table, rows = SIDES[name]
    facts = sqlite_proof.table(table, rows(ROWS))
    verification = sqlite_proof.verify(table)
    assert found(verification) == []
    assert accounted(verification) == (ROWS, ROWS, ROWS, 0)
    assert (verification.equal, verification.strictly_equal, verification.adds_up) == (True, True, True)
    assert verification.digest == facts.digest
    assert (verification.tally.first_seen, verification.oldest) == (0, None)


def test_two_empty_sides_are_equal(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, [])
    verification = sqlite_proof.verify(ITEMS)
    assert (found(verification), accounted(verification), verification.strictly_equal) == ([], (0, 0, 0, 0), True)


def test_each_kind_is_named_with_its_key_and_its_fields(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    live = sqlite_proof.live(ITEMS)
    live.delete_one({"_id": "item-00010"})
    live.insert_one({"_id": "item-00010x", "name": "nobody", "amount": 1})
    live.update_one({"_id": "item-00020"}, {"$set": {"name": "other", "amount": None}})
    live.update_one({"_id": "item-00021"}, {"$unset": {"name": 1}, "$set": {"more": [1]}})
    live.update_one({"_id": "item-00030"}, {"$set": {"amount": Int64(30)}})
    verification = sqlite_proof.verify(ITEMS)
    assert found(verification) == [
        ("missing_in_target", "item-00010", []),
        ("extra_in_target", "item-00010x", []),
        ("value", "item-00020", ["name: 'name 20' (string) is 'other' (string)", "amount: 20 (int) is null (null)"]),
        ("value", "item-00021", ["name: 'name 21' (string) is  (missing)", "more:  (missing) is [1] (array)"]),
        ("representation", "item-00030", ["amount: 30 (int) is 30 (long)"]),
    ]
    assert accounted(verification) == (ROWS, ROWS, ROWS - 4, 0)
    assert (verification.equal, verification.strictly_equal) == (False, False)
    assert verification.tally.first_seen == 5


@pytest.mark.parametrize("gone", [[0], [ROWS - 1], range(100, 200), range(ROWS)])
def test_missing_documents_are_found_wherever_they_are(sqlite_proof: Proof, gone: Any) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    keys = [row[0] for row in texts(ROWS)]
    sqlite_proof.live(ITEMS).delete_many({"_id": {"$in": [keys[n] for n in gone]}})
    verification = sqlite_proof.verify(ITEMS)
    assert kinds(verification) == [("missing_in_target", keys[n]) for n in gone]
    assert accounted(verification) == (ROWS, ROWS - len(gone), ROWS - len(gone), 0)


def test_rows_changed_made_and_deleted_at_the_source_are_found(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    sqlite_proof.change("UPDATE items SET amount = -1 WHERE id = ?", "item-00001")
    sqlite_proof.change("DELETE FROM items WHERE id = ?", "item-00002")
    sqlite_proof.change("INSERT INTO items VALUES (?, ?, ?)", "item-00003a", "new", 1)
    verification = sqlite_proof.verify(ITEMS)
    assert found(verification) == [
        ("value", "item-00001", ["amount: -1 (int) is 1 (int)"]),
        ("extra_in_target", "item-00002", []),
        ("missing_in_target", "item-00003a", []),
    ]


def test_a_foreign_document_is_told_from_one_whose_row_was_deleted(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    sqlite_proof.change("DELETE FROM items WHERE id = ?", "item-00007")
    sqlite_proof.live(ITEMS).insert_one({"_id": "item-00007 too"})
    extra = {one.key: one.why for one in sqlite_proof.verify(ITEMS).differences}
    assert extra == {
        "item-00007": "deleted at the source",
        "item-00007 too": "foreign: this pipeline never loaded it",
    }


@pytest.mark.parametrize(
    ("table", "keys"),
    [
        (AMOUNTS, ["-1.5", "0", "0.25", "7"]),
        (DAYS, ["0001-01-01", "1969-12-31", "1970-01-01", "9999-12-31"]),
        (BLOBS, [b"a", b"b", b"c", b"d"]),
    ],
    ids=["decimals", "days", "bytes"],
)
def test_keys_of_every_type_are_known_again(sqlite_proof: Proof, table: TableSpec, keys: list[Any]) -> None:
    rows = [(key, *["name", 1][: len(table.columns) - 1]) for key in keys]
    sqlite_proof.table(table, rows)
    assert sqlite_proof.load(table).loaded == 4  # else its own documents were taken for foreign ones
    sqlite_proof.change(f"DELETE FROM {table.source} WHERE id = ?", keys[2])
    (difference,) = sqlite_proof.verify(table).differences
    assert (difference.kind, difference.why) == ("extra_in_target", "deleted at the source")
    assert sqlite_proof.load(table).loaded == 3


@pytest.mark.parametrize("name", SIDES)
def test_foreign_ids_of_every_other_type_are_extra_and_hide_nothing(sqlite_proof: Proof, name: str) -> None:
    table, rows = SIDES[name]
    foreign = [*FOREIGN, *([5] if name == "text" else [])]
    sqlite_proof.table(table, rows(ROWS))
    sqlite_proof.live(table).insert_many([{"_id": identifier} for identifier in foreign])
    middle = sqlite_proof.live(table).find_one({"name": "name 150"})["_id"]
    sqlite_proof.live(table).delete_one({"_id": middle})
    verification = sqlite_proof.verify(table)
    assert {kind for kind, _ in kinds(verification)} == {"extra_in_target", "missing_in_target"}
    assert (verification.extra_in_target, verification.missing_in_target) == (len(foreign), 1)
    assert {one.why for one in verification.differences} == {"foreign: this pipeline never loaded it", ""}
    assert accounted(verification) == (ROWS, ROWS - 1 + len(foreign), ROWS - 1, 0)


def test_foreign_documents_that_are_to_be_kept_are_no_difference(sqlite_proof: Proof) -> None:
    sqlite_proof.table(KEEP, texts(ROWS))
    sqlite_proof.live(KEEP).insert_many([{"_id": "item-00100x"}, {"_id": None}, {"_id": ObjectId()}])
    verification = sqlite_proof.verify(KEEP)
    assert (found(verification), verification.tally.kept_foreign, verification.strictly_equal) == ([], 3, True)
    sqlite_proof.change("DELETE FROM items WHERE id = ?", "item-00101")  # no foreign one
    verification = sqlite_proof.verify(KEEP)
    assert (kinds(verification), verification.tally.kept_foreign) == ([("extra_in_target", "item-00101")], 3)
    assert sqlite_proof.verify(KEEP, mode="counts").adds_up is False


@pytest.mark.parametrize("impostor", [5.0, Int64(5), Decimal128("5.00"), Decimal128("0.5E+1")])
def test_a_key_of_another_number_type_is_the_same_key_in_another_representation(
    sqlite_proof: Proof, impostor: Any
) -> None:
    sqlite_proof.table(NUMBERS, numbers(20))
    sqlite_proof.live(NUMBERS).delete_one({"_id": 5})
    sqlite_proof.live(NUMBERS).insert_one({"_id": impostor, "name": "name 5"})
    verification = sqlite_proof.verify(NUMBERS)
    ((kind, _, fields),) = found(verification)
    assert (kind, len(fields)) == ("representation", 1)
    assert fields[0].startswith("_id: 5 (int) is 5")
    assert (verification.equal, verification.strictly_equal) == (True, False)


@pytest.mark.parametrize("stranger", [5.5, True, "5", ObjectId(), {"id": 5}])
def test_an_id_that_only_resembles_a_key_does_not_stand_in_for_it(sqlite_proof: Proof, stranger: Any) -> None:
    sqlite_proof.table(NUMBERS, numbers(20))
    sqlite_proof.live(NUMBERS).delete_one({"_id": 5})
    sqlite_proof.live(NUMBERS).insert_one({"_id": stranger, "name": "name 5"})
    verification = sqlite_proof.verify(NUMBERS)
    assert [kind for kind, _ in sorted(kinds(verification))] == ["extra_in_target", "missing_in_target"]


def test_integers_at_the_limits_of_their_widths_are_walked_in_order(sqlite_proof: Proof) -> None:
    keys = [-(2**63), -(2**53) - 1, -(2**31) - 1, -1, 0, 1, 2**31, 2**53, 2**53 + 1, 2**63 - 1]
    sqlite_proof.table(NUMBERS, [(key, "n") for key in keys])
    sqlite_proof.live(NUMBERS).delete_one({"_id": 2**53 + 1})
    assert kinds(sqlite_proof.verify(NUMBERS)) == [("missing_in_target", str(2**53 + 1))]


def test_differences_at_the_seams_of_batches_are_found_and_no_others(sqlite_proof: Proof) -> None:
    sqlite_proof.table(NUMBERS, numbers(LARGE))
    live = sqlite_proof.live(NUMBERS)
    changed = [0, 1_999, 2_000, 4_001, 9_999, 10_000, 10_001, 19_999, 20_000, LARGE - 1]
    gone = [1_998, 2_001, 9_998, 10_002, 20_001, LARGE - 2]
    live.update_many({"_id": {"$in": changed}}, {"$set": {"name": "other"}})
    live.delete_many({"_id": {"$in": gone}})
    live.insert_many([{"_id": n + 0.5} for n in gone])
    verification = sqlite_proof.verify(NUMBERS)
    planted: dict[str, list[Any]] = {
        "value": changed,
        "missing_in_target": gone,
        "extra_in_target": [n + 0.5 for n in gone],
    }
    expected = [(kind, str(key)) for kind, keys in planted.items() for key in keys]
    assert kinds(verification) == sorted(expected, key=lambda one: (one[1], one[0]))
    assert accounted(verification) == (LARGE, LARGE, LARGE - len(changed) - len(gone), 0)
    assert verification.differences[0].first_seen <= datetime.now(UTC)


def test_the_age_of_a_difference_is_kept_from_one_verification_to_the_next(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(10))
    sqlite_proof.live(ITEMS).delete_one({"_id": "item-00003"})
    first = sqlite_proof.verify(ITEMS)
    sqlite_proof.live(ITEMS).delete_one({"_id": "item-00004"})
    second = sqlite_proof.verify(ITEMS)
    assert second.missing_in_target == 2
    assert first.oldest is not None
    assert second.oldest == first.oldest
    sqlite_proof.load(ITEMS)
    assert sqlite_proof.verify(ITEMS).oldest is None
    assert sqlite_proof.records(ITEMS).count() == 0


def test_counts_and_a_sample_see_what_they_can_see(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, texts(ROWS))
    for mode in ("counts", "sampled"):
        assert sqlite_proof.verify(ITEMS, mode=mode).strictly_equal
    sqlite_proof.live(ITEMS).update_one({"_id": "item-00003"}, {"$set": {"amount": 0}})
    assert sqlite_proof.verify(ITEMS, mode="counts").strictly_equal  # no value is looked at
    sampled = sqlite_proof.verify(ITEMS, mode="sampled")  # of a small table, all of it
    assert found(sampled) == [("value", "item-00003", ["amount: 3 (int) is 0 (int)"])]
    sqlite_proof.live(ITEMS).delete_one({"_id": "item-00004"})
    counted = sqlite_proof.verify(ITEMS, mode="counts")
    assert (counted.adds_up, counted.equal) == (False, False)
