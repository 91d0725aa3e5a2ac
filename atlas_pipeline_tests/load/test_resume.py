"""A reload that did not come to its end is gone on with behind its last finished key range, by another view of the
source.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import asdict

import pytest

from atlas_pipeline_tests.load.reload_once import cut
from atlas_pipeline_tests.load.resuming import (
    BATCH_ROWS,
    RANGE_DOCUMENTS,
    EndedError,
    end,
    end_during_load,
    ended_after,
    require_whole,
)
from atlas_pipeline_tests.load.small import ITEMS, Row, World, items

ROWS = 120
FINISHED = 3
UNTIL = 100
"""Rows after which a load ends that has finished that many ranges."""


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, batch_rows=BATCH_ROWS, range_documents=RANGE_DOCUMENTS)


def bad(number: float) -> Row:
    """A row that is refused, behind the good one of that number."""
    return (f"item-{int(number):05}-bad", None, "team", None, None)


def _rows() -> list[Row]:
    """Good rows, and bad ones at the edges of ranges, in the middle of one, and at both ends."""
    return sorted([*items(ROWS), ("item", None, "team", None, None), bad(19), bad(31), bad(39), bad(70), bad(ROWS)])


def _went_on(world: World, run_id: str) -> tuple[str, int, int]:
    """With which run a run went on, ranges that it kept, ranges that it loaded again."""
    record = world.run(run_id)
    return record["resumed_from"], record["ranges_reused"], record["ranges_repeated"]


def test_a_reload_goes_on_behind_the_last_finished_range_and_is_accounted_for_as_a_whole_one(world: World) -> None:
    world.write("items", _rows())
    finished = end_during_load(world, UNTIL, run_id="ended")
    assert finished == FINISHED
    kept = world.ledger["ranges"].distinct("_id")
    facts = world.reload(run_id="next")
    assert _went_on(world, "next") == ("ended", FINISHED, 0)
    assert facts.recovered[-1] == (
        f"this run went on with the reload of run ended; key ranges kept: {FINISHED}, changed and loaded again: 0"
    )
    assert set(kept) < set(world.ledger["ranges"].distinct("_id"))
    assert 0 < facts.bytes_sent < facts.document_bytes * 0.7
    require_whole(world, _rows(), facts, "next")
    anew = world.reload(run_id="anew")
    left_out = {"bytes_sent", "recovered"}
    assert {k: v for k, v in asdict(facts).items() if k not in left_out} == {
        k: v for k, v in asdict(anew).items() if k not in left_out
    }


@pytest.mark.parametrize("moment", ["after_copy", "after_build"])
def test_a_reload_that_ended_when_all_was_loaded_sends_nothing_again(world: World, moment: str) -> None:
    world.write("items", _rows())
    with pytest.raises(EndedError):
        world.reload(run_id="ended", **{moment: end})  # type: ignore[arg-type]
    facts = world.reload(run_id="next")
    assert _went_on(world, "next")[::2] == ("ended", 0)
    assert facts.bytes_sent == 0
    require_whole(world, _rows(), facts, "next")


Change = Callable[[list[Row]], list[Row]]
_OTHER = ("item-00005", "another name", "another team", 1, "changed")
CHANGES: dict[str, tuple[Change, int]] = {
    "a row of a finished range has changed": (lambda rows: [_OTHER if r[0] == _OTHER[0] else r for r in rows], 1),
    "a row of a finished range is gone": (lambda rows: [r for r in rows if r[0] != "item-00035"], 1),
    "the first row of a range is gone": (lambda rows: [r for r in rows if r[0] != "item-00028"], 1),
    "there is a row before all others": (lambda rows: [("a", "first", "first", None, None), *rows], 1),
    "there is a row in the middle": (lambda rows: [*rows, ("item-00035-b", "new", "new", None, None)], 1),
    "there is a row behind the last finished one": (lambda rows: [*rows, ("item-00084-b", "n", "t", None, None)], 0),
    "a row of the unfinished rest has changed": (lambda rows: [*rows[:-3], (*rows[-3][:4], "new"), *rows[-2:]], 0),
    "all rows of a finished range are gone": (
        lambda rows: [r for r in rows if not "item-00028" <= r[0] < "item-00056"],
        1,
    ),
    "a finished range has many times its rows": (
        lambda rows: [*rows, *((f"item-00035-{n:04}", f"more {n}", f"team {n}", None, None) for n in range(90))],
        1,
    ),
    "a refused row is good now": (
        lambda rows: [(r[0], "good", "good", None, None) if r[0] == bad(31)[0] else r for r in rows],
        1,
    ),
    "a good row is refused now": (lambda rows: [(r[0], None, *r[2:]) if r[0] == "item-00033" else r for r in rows], 1),
    "all rows of a range are refused now": (
        lambda rows: [(r[0], None, *r[2:]) if "item-00028" <= r[0] < "item-00056" else r for r in rows],
        1,
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_meanwhile_is_loaded_again_and_nothing_else(world: World, name: str) -> None:
    change, repeated = CHANGES[name]
    world.write("items", _rows())
    assert end_during_load(world, UNTIL, run_id="ended") == FINISHED
    rows = change(_rows())
    world.write("items", rows)
    facts = world.reload(run_id="next")
    assert _went_on(world, "next") == ("ended", FINISHED - repeated, repeated)
    require_whole(world, rows, facts, "next")


def test_nothing_of_an_emptied_table_stays(world: World) -> None:
    world.write("items", _rows())
    end_during_load(world, UNTIL, run_id="ended")
    world.write("items", [])
    facts = world.reload(run_id="next")
    assert _went_on(world, "next") == ("ended", 0, FINISHED)
    require_whole(world, [], facts, "next")


def test_rows_that_swap_a_unique_value_between_ranges_do_not_stand_in_each_other_s_way(world: World) -> None:
    world.write("items", items(ROWS))
    with pytest.raises(EndedError):
        world.reload(run_id="ended", after_build=end)  # with its unique indexes
    rows = items(ROWS)
    rows[5], rows[65] = (rows[5][0], rows[65][1], *rows[5][2:]), (rows[65][0], rows[5][1], *rows[65][2:])
    world.write("items", rows)
    facts = world.reload(run_id="next")
    assert _went_on(world, "next") == ("ended", ROWS // RANGE_DOCUMENTS - 2, 2)
    require_whole(world, rows, facts, "next")


def test_a_reload_that_ends_while_it_loads_a_changed_range_again_is_gone_on_with_too(world: World) -> None:
    world.write("items", _rows())
    end_during_load(world, UNTIL, run_id="ended")
    rows = [_OTHER if row[0] == _OTHER[0] else row for row in _rows()]
    world.write("items", rows)
    for attempt in ("first", "second"):
        end_during_load(world, 2, run_id=attempt)  # the lower bad row, and the first batch of the range
    facts = world.reload(run_id="next")
    assert _went_on(world, "next") == ("second", FINISHED - 1, 1)
    require_whole(world, rows, facts, "next")


def test_a_reload_is_gone_on_with_again_and_again(world: World) -> None:
    world.write("items", _rows())
    before = 0
    for attempt, until in enumerate((45, 75, 100, 125)):
        finished = end_during_load(world, until, run_id=f"run {attempt}")
        assert finished > before
        before = finished
    facts = world.reload(run_id="next")
    assert _went_on(world, "next") == ("run 3", before, 0)
    require_whole(world, _rows(), facts, "next")


def test_another_attempt_of_the_same_run_goes_on_and_numbers_its_entries_on(world: World) -> None:
    world.write("items", _rows())
    for until in (55, UNTIL):
        with pytest.raises(EndedError), world.loading(ITEMS, run_id="same", progress=ended_after(until)) as load:
            load.copy()
    facts = world.reload(run_id="same")
    assert _went_on(world, "same") == ("same", FINISHED, 0)
    require_whole(world, _rows(), facts, "same")


def test_a_run_that_is_tried_again_after_another_one_went_on_with_it_makes_entries_of_its_own(world: World) -> None:
    world.write("items", _rows())
    end_during_load(world, UNTIL, run_id="ended")
    world.reload(run_id="next")
    facts = world.reload(run_id="ended")
    assert facts.recovered == []
    require_whole(world, _rows(), facts, "ended")


@pytest.mark.parametrize("seed", range(8))
def test_whatever_happens_to_the_rows_between_any_ends_the_last_run_publishes_what_is_there(
    world: World, seed: int
) -> None:
    chance = random.Random(seed)
    rows = {row[0]: row for row in _rows()}
    for attempt in range(chance.randint(1, 3)):
        world.write("items", sorted(rows.values()))
        try:
            with world.loading(
                ITEMS, run_id=f"run {attempt}", progress=ended_after(chance.randint(1, len(rows) + 20))
            ) as load:
                load.copy()
                load.build()
        except EndedError:
            pass
        for _ in range(chance.choice((0, 1, 5, 40))):
            key = chance.choice([*rows, f"item-{chance.randrange(ROWS):05}-{chance.randrange(9)}"])
            if chance.random() < 0.3:
                rows.pop(key, None)
            else:
                name = None if chance.random() < 0.2 else f"name of {key} {chance.random()}"
                rows[key] = (key, name, f"team of {key}", None, "changed")
    world.write("items", sorted(rows.values()))
    require_whole(world, sorted(rows.values()), world.reload(run_id="next"), "next")
