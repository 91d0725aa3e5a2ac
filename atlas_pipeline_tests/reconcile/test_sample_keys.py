"""Which rows a sample has: enough of them, always the extremes, and the same ones for the same seed."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from atlas_pipeline.extract.snapshot import Row
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.reconcile.sample import SampleKeys
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.source_files import PAIRS

TABLE = TableSpec(
    source="rows",
    collection="rows",
    key=("id",),
    columns=(integer("id"), text("a", nullable=True), text("b", nullable=True)),
)
ROWS = 150_050  # one percent of them is no whole number


def rows_of(count: int) -> list[Row]:
    return [(number, "a", "b") for number in range(count)]


def sampled(rows: Sequence[Row], *, seed: int = 1, batch: int = 2_000, table: TableSpec = TABLE) -> list[Row]:
    keys = SampleKeys(table, source_rows=len(rows), seed=seed)
    mapper = Mapper(table)
    for start in range(0, len(rows), batch):
        part = list(rows[start : start + batch])
        keys.observe(part, mapper.map_batch(part))
    return keys.keys()


@pytest.fixture(scope="module")
def many() -> list[Row]:
    """Many rows, of which one is the largest and another the emptiest; neither is the first or the last."""
    rows = rows_of(ROWS)
    rows[77_777] = (77_777, "a" * 500, "b")
    rows[88_888] = (88_888, None, None)
    rows[99_999] = (99_999, None, "b")
    return rows


@pytest.mark.parametrize("count", [1, 2, 999, 1_000])
def test_a_small_table_is_sampled_whole(count: int) -> None:
    assert sorted(sampled(rows_of(count))) == [(number,) for number in range(count)]


def test_a_sample_has_a_thousand_rows_or_one_percent(many: list[Row]) -> None:
    for count in (1_001, 50_000, 100_000):
        assert 1_000 <= len(sampled(many[:count])) <= 1_005
    found = sampled(many)
    assert ROWS <= len(found) * 100 <= ROWS + 600
    assert len(set(found)) == len(found)


def test_first_last_largest_and_emptiest_row_are_always_in_it(many: list[Row]) -> None:
    extremes = {(0,), (ROWS - 1,), (77_777,), (88_888,)}
    chosen_by_chance = 0
    for seed in range(3):
        found = set(sampled(many, seed=seed))
        assert extremes <= found
        chosen_by_chance += (99_999,) in found
    assert chosen_by_chance < 3


def test_extremes_are_in_it_too_where_documents_were_there_already(many: list[Row]) -> None:
    for unmapped in (range(ROWS), range(80_000), range(80_000, ROWS)):
        keys, mapper = SampleKeys(TABLE, source_rows=ROWS, seed=1), Mapper(TABLE)
        for start in range(0, ROWS, 2_000):
            part = many[start : start + 2_000]
            keys.observe(part, None if start in unmapped else mapper.map_batch(part))
        assert {(0,), (ROWS - 1,), (77_777,), (88_888,)} <= set(keys.keys())


def test_the_same_seed_gives_the_same_sample_however_the_rows_come(many: list[Row]) -> None:
    rows = many[:20_000]
    assert sampled(rows, seed=7) == sampled(rows, seed=7)
    assert set(sampled(rows, seed=7)) == set(sampled(rows, seed=7, batch=333)) == set(sampled(rows, seed=7, batch=1))
    assert set(sampled(rows, seed=7)) != set(sampled(rows, seed=8))


def test_a_sample_is_spread_over_the_whole_table(many: list[Row]) -> None:
    quarter = ROWS // 4
    found = [number // quarter for (number,) in sampled(many)]
    assert all(found.count(part) > 300 for part in range(4))


def test_refused_rows_are_sampled_but_are_not_the_largest_or_emptiest() -> None:
    rows = rows_of(30_000)
    rows[20_000] = (20_000, 5, "b" * 1_000)
    rows[20_001] = ("20001", None, None)
    rows[0], rows[-1] = ("first", "a", "b"), ("last", "a", "b")
    found = set(sampled(rows, seed=3))
    assert {("first",), ("last",)} <= found
    by_chance = {(20_000,), ("20001",)} & found
    assert len(by_chance) < 2


def test_composite_keys_are_picked_in_key_order() -> None:
    rows: list[Row] = [(f"account-{number}", number % 3, None) for number in range(10)]
    assert set(sampled(rows, table=PAIRS)) == {(number % 3, f"account-{number}") for number in range(10)}


def test_an_empty_table_gives_an_empty_sample() -> None:
    assert sampled([]) == []
