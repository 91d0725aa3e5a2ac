"""The key ranges of the ledger while a table grows, shrinks and moves: what is compared, and how they are cut anew."""

from __future__ import annotations

from dataclasses import replace

import pytest

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load import foreign
from atlas_pipeline.load.digest import KEY_HASH_BYTES
from atlas_pipeline.resync.scope import Scope
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline_tests.resync.syncing import LINES, Syncing, did, lines, with_policy

pytestmark = pytest.mark.usefixtures("small_ranges")


def ranges_of(table: Syncing) -> list[tuple[str, int]]:
    """First key and number of documents of each range."""
    state = table.ledger
    found = table.proof.pipeline["ranges"].find({"run_id": state["published"]["run_id"]}).sort("first", 1)
    return [(one["first"], one["documents"]) for one in found]


def is_settled(table: Syncing) -> bool:
    """Whether the next sync finds each range as it was, the ledger knows each key, and a verification agrees."""
    facts = table.quick()
    known = sum(documents for _, documents in ranges_of(table))
    strangers = list(foreign.foreign_ids(table.live, table.published_ranges(), comment="a test"))
    unchanged = facts.ranges == facts.ranges_unchanged > 0 and did(facts) == (0, 0, 0, facts.source_rows)
    return unchanged and known == facts.loaded and strangers == [] and table.is_proven()


def test_only_ranges_with_changes_are_compared(anywhere: Syncing) -> None:
    anywhere.insert(*lines(200))
    anywhere.quick()
    anywhere.update(30, name="new")
    anywhere.delete(110, 111)
    anywhere.insert(*lines(1, start=2_000))
    facts = anywhere.quick()
    assert (facts.ranges, facts.ranges_unchanged) == (10, 7)
    assert did(facts) == (1, 1, 2, 197)
    assert is_settled(anywhere)


def test_the_last_range_grows_and_is_cut(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(50))
    in_sqlite.quick()
    in_sqlite.insert(*lines(300, start=1_000))
    assert did(in_sqlite.quick()) == (300, 0, 0, 50)
    cut = ranges_of(in_sqlite)
    assert [documents for _, documents in cut[:3]] == [20, 20, 20]
    assert (len(cut), sum(documents for _, documents in cut)) == (18, 350)
    in_sqlite.quick()
    assert is_settled(in_sqlite)


def test_rows_before_the_first_range_belong_to_it_and_are_cut(anywhere: Syncing) -> None:
    anywhere.insert(*lines(50, start=5_000))
    anywhere.quick()
    anywhere.insert(*lines(300))
    assert did(anywhere.quick()) == (300, 0, 0, 50)
    cut = ranges_of(anywhere)
    assert (cut[0], len(cut)) == (("line-000000", 20), 18)
    anywhere.quick()
    assert is_settled(anywhere)


def test_a_range_that_is_compared_in_parts_finds_all_that_differs(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(20))
    in_sqlite.quick()
    in_sqlite.insert(*lines(1_000, start=1_000))
    in_sqlite.live.insert_one({"_id": "line-001500x", "name": "theirs"})
    facts = in_sqlite.quick(with_policy(foreign_documents="delete"))
    assert did(facts) == (1_000, 0, 1, 20)
    in_sqlite.quick()
    assert is_settled(in_sqlite)


def test_a_range_whose_rows_are_all_gone_is_emptied_and_can_be_filled_again(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(100))
    in_sqlite.quick()
    in_sqlite.delete(*range(20, 60))
    assert did(in_sqlite.quick()) == (0, 0, 40, 60)
    assert [documents for _, documents in ranges_of(in_sqlite)] == [20, 0, 0, 20, 20]
    assert is_settled(in_sqlite)
    in_sqlite.insert(*lines(30, start=25))
    assert did(in_sqlite.quick()) == (30, 0, 0, 60)
    assert is_settled(in_sqlite)


def test_the_first_and_the_last_range_can_be_emptied(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(100))
    in_sqlite.quick()
    in_sqlite.delete(*range(20), *range(80, 100))
    assert did(in_sqlite.quick()) == (0, 0, 40, 60)
    assert is_settled(in_sqlite)


def test_a_table_that_was_emptied_is_refused_until_it_is_forced(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(50))
    in_sqlite.quick()
    before = in_sqlite.documents()
    in_sqlite.delete(*range(50))
    with pytest.raises(TargetError, match=r"would shrink from 50 to 0 documents.*--force"):
        in_sqlite.quick()
    assert in_sqlite.documents() == before
    assert did(in_sqlite.quick(force=True)) == (0, 0, 50, 0)
    assert in_sqlite.documents() == {}
    assert is_settled(in_sqlite)
    in_sqlite.insert(*lines(60, start=10))
    assert did(in_sqlite.quick()) == (60, 0, 0, 0)
    assert is_settled(in_sqlite)


def test_a_table_that_lost_most_of_its_rows_is_refused_until_it_is_forced(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(50))
    in_sqlite.quick()
    in_sqlite.delete(*range(10, 50))
    assert did(in_sqlite.quick()) == (0, 0, 40, 10)
    in_sqlite.delete(*range(1, 10))
    with pytest.raises(TargetError, match="would shrink from 10 to 1 documents"):
        in_sqlite.quick(scope=Scope(mode="reconcile"))
    assert did(in_sqlite.quick(force=True)) == (0, 0, 9, 1)


def test_a_table_that_was_empty_at_first_is_cut_when_it_is_filled(in_sqlite: Syncing) -> None:
    in_sqlite.quick()
    in_sqlite.insert(*lines(200, start=3_000))
    in_sqlite.quick()
    assert len(ranges_of(in_sqlite)) == 10
    in_sqlite.insert(*lines(200))
    in_sqlite.quick()
    assert len(ranges_of(in_sqlite)) > 15
    in_sqlite.quick()
    assert is_settled(in_sqlite)


def cut_half(table: Syncing) -> None:
    """Let a run have died while it cut the last of three ranges: its keys are in two."""
    ranges = table.proof.pipeline["ranges"]
    last = ranges.find_one({"first": "line-000040"})
    assert last is not None
    half = {**last, "first": "line-000050", "keys": last["keys"][10 * KEY_HASH_BYTES :], "documents": 10, "position": 1}
    ranges.insert_one({name: value for name, value in half.items() if name != "_id"})


def test_keys_that_a_dead_run_left_in_two_ranges_are_counted_once(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(60))
    in_sqlite.quick()
    cut_half(in_sqlite)
    in_sqlite.quick()
    assert [documents for _, documents in ranges_of(in_sqlite)] == [20, 20, 10, 10]
    in_sqlite.quick()
    assert is_settled(in_sqlite)


def test_keys_that_a_dead_run_left_in_two_ranges_are_counted_once_beside_foreign_documents(in_sqlite: Syncing) -> None:
    spec = with_policy(foreign_documents="keep")
    in_sqlite.insert(*lines(60))
    in_sqlite.quick(spec)
    in_sqlite.live.insert_many([{"_id": f"theirs-{n}", "slot": f"theirs {n}"} for n in range(30)])
    cut_half(in_sqlite)
    facts = in_sqlite.quick(spec)
    assert (facts.loaded, facts.kept_foreign) == (60, 30)


def test_all_ranges_are_compared_once_by_a_spec_that_maps_otherwise(in_sqlite: Syncing) -> None:
    in_sqlite.insert(*lines(60))
    in_sqlite.quick()
    columns = (LINES.columns[0], text("name", 80, nullable=True, field="label"), *LINES.columns[2:])
    renamed = replace(LINES, columns=columns, document=())
    assert did(in_sqlite.quick(renamed)) == (0, 60, 0, 0)
    facts = in_sqlite.quick(renamed)
    assert (facts.ranges, facts.ranges_unchanged) == (3, 3)
    assert in_sqlite.is_proven(renamed)
