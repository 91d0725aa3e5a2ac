"""Rows without a document are accounted for by the quarantine, each by its own entry; all others are differences."""

from __future__ import annotations

from typing import Any

import pytest

from atlas_pipeline_tests.reconcile.proof import Proof, accounted, found, kinds, texts
from atlas_pipeline_tests.reconcile.proof_tables import BLOBS, EVENTS, ITEMS, NAMED

BAD = ("bad", "name", "no number")
KEYLESS = (None, "name", 1)


@pytest.fixture
def quarantined(sqlite_proof: Proof) -> Proof:
    """A table with a hundred good rows, and two bad ones, one of which has no key."""
    facts = sqlite_proof.table(ITEMS, [*texts(100), BAD, KEYLESS], keyed=False)
    assert facts.quarantined == 2
    return sqlite_proof


def entries(proof: Proof) -> Any:
    return proof.pipeline["quarantine"]


def test_quarantined_rows_are_accounted_for(quarantined: Proof) -> None:
    verification = quarantined.verify(ITEMS)
    assert (found(verification), accounted(verification)) == ([], (102, 100, 100, 2))
    assert verification.strictly_equal
    assert quarantined.verify(ITEMS, mode="counts").adds_up
    assert quarantined.verify(ITEMS, mode="sampled").strictly_equal


def test_a_refused_row_that_is_not_in_quarantine_is_found(quarantined: Proof) -> None:
    entries(quarantined).delete_one({"key": ["bad"]})
    (difference,) = quarantined.verify(ITEMS).differences
    assert (difference.kind, difference.key) == ("missing_in_target", "bad")
    assert difference.why == "the row is refused (not_integer, column amount), and it is not in quarantine"


def test_a_refused_row_without_a_key_that_is_not_in_quarantine_is_found(quarantined: Proof) -> None:
    entries(quarantined).delete_one({"key": [None]})
    (difference,) = quarantined.verify(ITEMS).differences
    assert (difference.kind, difference.key) == ("missing_in_target", "(no key)")
    assert "null_value, column id" in difference.why
    assert quarantined.verify(ITEMS, mode="counts").adds_up is False


def test_a_row_that_became_bad_after_the_sync_is_found(quarantined: Proof) -> None:
    quarantined.change("UPDATE items SET amount = 'seven' WHERE id = 'item-00007'")
    (difference,) = quarantined.verify(ITEMS).differences
    assert (difference.kind, difference.key) == ("value", "item-00007")
    assert "not_integer, column amount" in difference.why
    assert "a document of an earlier state is there" in difference.why


def test_a_row_in_quarantine_that_has_a_document_all_the_same_is_found(quarantined: Proof) -> None:
    quarantined.live(ITEMS).insert_one({"_id": "bad", "name": "name", "amount": 0})
    assert kinds(quarantined.verify(ITEMS)) == [("value", "bad")]


def test_a_row_in_quarantine_that_was_repaired_at_the_source_is_still_accounted_for(quarantined: Proof) -> None:
    quarantined.change("UPDATE items SET amount = 5 WHERE id = 'bad'")
    verification = quarantined.verify(ITEMS)
    assert (found(verification), accounted(verification)) == ([], (102, 100, 100, 2))
    quarantined.load(ITEMS)
    assert accounted(quarantined.verify(ITEMS)) == (102, 101, 101, 1)


def test_an_entry_of_another_run_accounts_for_nothing(quarantined: Proof) -> None:
    entries(quarantined).update_many({}, {"$set": {"run_id": "another"}})
    assert quarantined.verify(ITEMS).missing_in_target == 2


def test_rows_that_repeat_a_key_are_accounted_for_one_by_one(sqlite_proof: Proof) -> None:
    repeated = [("a", "first", 1), ("a", "second", 2), ("a", "third", 3), ("b", "only", 1)]
    facts = sqlite_proof.table(ITEMS, repeated, keyed=False)
    assert (facts.loaded, facts.quarantined) == (2, 2)
    verification = sqlite_proof.verify(ITEMS)
    assert (found(verification), accounted(verification)) == ([], (4, 2, 2, 2))
    entries(sqlite_proof).delete_many({"key": ["a"]})
    verification = sqlite_proof.verify(ITEMS)
    assert set(kinds(verification)) == {("missing_in_target", "a")}
    assert "another row with this key" in verification.differences[0].why


def test_the_document_of_a_repeated_key_is_missed_though_the_other_row_is_in_quarantine(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, [("a", "first", 1), ("a", "second", 2), ("b", "only", 1)], keyed=False)
    sqlite_proof.live(ITEMS).delete_one({"_id": "a"})
    assert kinds(sqlite_proof.verify(ITEMS)) == [("missing_in_target", "a")]


def test_a_wrong_document_of_a_repeated_key_is_found(sqlite_proof: Proof) -> None:
    sqlite_proof.table(ITEMS, [("a", "first", 1), ("a", "second", 2)], keyed=False)
    sqlite_proof.live(ITEMS).update_one({"_id": "a"}, {"$set": {"name": "second", "amount": 2}})
    assert found(sqlite_proof.verify(ITEMS)) == [
        ("value", "a", ["name: 'first' (string) is 'second' (string)", "amount: 1 (int) is 2 (int)"])
    ]


def test_repeated_keys_that_are_not_ordered_alike_on_both_sides_are_accounted_for_too(sqlite_proof: Proof) -> None:
    rows = [(b"a", "first", 1), (b"a", "second", 2), (b"b", "only", 1)]
    facts = sqlite_proof.table(BLOBS, rows, keyed=False)
    assert (facts.loaded, facts.quarantined) == (2, 1)
    verification = sqlite_proof.verify(BLOBS)
    assert (found(verification), accounted(verification)) == ([], (3, 2, 2, 1))
    sqlite_proof.live(BLOBS).delete_one({"_id": b"a"})
    assert [kind for kind, _ in kinds(sqlite_proof.verify(BLOBS))] == ["missing_in_target"]


def test_rows_that_repeat_a_unique_value_are_accounted_for(sqlite_proof: Proof) -> None:
    facts = sqlite_proof.table(NAMED, [(1, "same", 1), (2, "same", 2), (3, "other", 3)])
    assert (facts.loaded, facts.quarantined) == (2, 1)
    verification = sqlite_proof.verify(NAMED)
    assert (found(verification), accounted(verification)) == ([], (3, 2, 2, 1))
    sqlite_proof.live(NAMED).delete_one({"_id": 1})
    assert kinds(sqlite_proof.verify(NAMED)) == [("missing_in_target", "1")]


def test_rows_of_a_time_series_are_accounted_for_and_missed(sqlite_proof: Proof) -> None:
    rows = [("e1", "2026-01-01 00:00:00", "z", 1, None), ("e2", "no moment", "z", 1, None)]
    facts = sqlite_proof.table(EVENTS, rows)
    assert (facts.loaded, facts.quarantined) == (1, 1)
    verification = sqlite_proof.verify(EVENTS)
    assert (found(verification), accounted(verification)) == ([], (2, 1, 1, 1))
    entries(sqlite_proof).delete_one({"key": ["e2"]})
    assert kinds(sqlite_proof.verify(EVENTS)) == [("missing_in_target", "e2")]
