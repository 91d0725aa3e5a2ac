"""The keys that were loaded are told from those of the source without asking the collection."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bson
import pytest

from atlas_pipeline.extract.snapshot import Undecodable
from atlas_pipeline.load.digest import key_hash
from atlas_pipeline.load.range_store import KeyRange
from atlas_pipeline.reconcile.keys import EXAMPLES, KeyComparison
from atlas_pipeline.reconcile.recorded_keys import compare_recorded_keys
from atlas_pipeline_tests.extract.source_files import ITEMS, PAIRS, item
from atlas_pipeline_tests.reconcile.conftest import Both


def compared(both: Both, ids: Iterable[Any]) -> KeyComparison:
    """The comparison with a ledger that recorded these keys, ten in a range."""
    hashes = [key_hash(bson.encode({"_id": identifier})) for identifier in ids]
    ranges = [
        KeyRange(first=None, documents=10, digest=b"", keys=b"".join(hashes[start : start + 10]))
        for start in range(0, len(hashes), 10)
    ]
    return compare_recorded_keys(both.snapshot, both.table, lambda: ranges, both.quarantine)


def test_equal_sides_match_whatever_their_order(both: Both) -> None:
    both.fill(ITEMS, [item(number) for number in range(2_500)])
    found = compared(both, reversed([item(number)[0] for number in range(2_500)]))
    assert (found.matched, found.missing, found.extra) == (2_500, 0, 0)


def test_composite_keys_match(both: Both) -> None:
    both.fill(PAIRS, [("a", 1, "x"), ("b", 2**40, "y")])
    assert compared(both, [{"team": 1, "account": "a"}, {"team": 2**40, "account": "b"}]).matched == 2
    assert compared(both, [{"account": "a", "team": 1}, {"team": 2**40, "account": "b"}]).missing == 1


@pytest.mark.parametrize("gone", [[0], [99], [0, 1, 50, 98, 99]])
def test_a_row_that_was_not_loaded_is_missing(both: Both, gone: list[int]) -> None:
    both.fill(ITEMS, [item(number) for number in range(100)])
    found = compared(both, [item(number)[0] for number in range(100) if number not in gone])
    assert (found.matched, found.missing, found.extra) == (100 - len(gone), len(gone), 0)
    assert found.missing_examples == [item(number)[:1] for number in gone]


def test_a_row_that_was_loaded_twice_hides_none_that_was_not(both: Both) -> None:
    both.fill(ITEMS, [item(number) for number in range(100)])
    found = compared(both, [item(7)[0], *(item(number)[0] for number in range(99))])
    assert (found.matched, found.missing_examples, found.extra) == (99, [item(99)[:1]], 1)
    assert len(found.extra_examples) == 1


def test_everything_is_counted_and_the_first_ones_are_named(both: Both) -> None:
    both.fill(ITEMS, [item(number) for number in range(300)])
    found = compared(both, [f"other-{number}" for number in range(30)])
    assert (found.matched, found.missing, found.extra) == (0, 300, 30)
    assert found.missing_examples == [item(number)[:1] for number in range(EXAMPLES)]
    assert len(found.extra_examples) == EXAMPLES


def test_a_row_in_quarantine_is_not_missing(both: Both) -> None:
    bad: list[Any] = ["bad", None, b"\xff", Undecodable(b"caf\xe9")]
    both.fill(ITEMS, [item(1), item(2), *((key, "not a number", None) for key in bad)])
    assert both.quarantine.count() == len(bad)
    found = compared(both, [item(1)[0]])
    assert (found.matched, found.missing_examples, found.extra) == (1, [item(2)[:1]], 0)


def test_a_row_that_repeats_a_key_needs_a_place_of_its_own(both: Both) -> None:
    both.fill(ITEMS, [("a", 1, None), ("a", 2, None), ("b", 3, None)])
    assert compared(both, ["a", "b"]).missing_examples == [("a",)]
    both.put_into_quarantine(("a", 2, None))
    assert (compared(both, ["a", "b"]).matched, compared(both, ["a", "b"]).missing) == (2, 0)
