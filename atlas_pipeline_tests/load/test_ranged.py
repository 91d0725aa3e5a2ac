"""A table that is loaded in stretches of keys, each in a view of its own, becomes what a whole load makes of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import pytest

from atlas_pipeline.errors import ConfigurationError, LeaseHeldError, SourceError, SpecError, TargetError
from atlas_pipeline.load.lease import give_back_ended
from atlas_pipeline.load.run import Holder
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.sync import SyncPolicy
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.postgres_databases import run as execute
from atlas_pipeline_tests.extract.postgres_databases import source_of
from atlas_pipeline_tests.load.ranging import RANGED, ROWS_PER_RANGE, finish, in_ranges, load, plan
from atlas_pipeline_tests.load.reload_once import cut
from atlas_pipeline_tests.load.resuming import BATCH_ROWS, RANGE_DOCUMENTS, EndedError, ended_after, require_whole
from atlas_pipeline_tests.load.small import EVENTS, SEATS, Row, World, items
from atlas_pipeline_tests.unjudged import table

TABLE = "small.items"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, batch_rows=BATCH_ROWS, range_documents=RANGE_DOCUMENTS)


def _bad(number: int) -> Row:
    return (f"item-{number:05}-bad", None, "team", None, None)


def _rows() -> list[Row]:
    """Good rows in three stretches, and bad ones at the edges, in the middle of one, and at both ends."""
    return sorted([*items(110), ("item", None, "team", None, None), _bad(37), _bad(38), _bad(60), _bad(110)])


def _load_all(world: World, run_id: str) -> tuple[int, ...]:
    numbers = plan(world, run_id)
    for number in numbers:
        load(world, run_id, number)
    return numbers


def _stretches(world: World) -> int:
    return world.ledger["stretches"].count_documents({})


def test_a_load_in_stretches_leaves_the_same_bytes_and_the_same_facts_as_a_whole_one(world: World) -> None:
    world.write("items", items(5 * ROWS_PER_RANGE // 2))
    assert _load_all(world, "ranged") == (0, 1, 2)
    assert world.live.list_collection_names() == world.stagings()
    facts = world.reload(RANGED, run_id="ranged")
    require_whole(world, items(5 * ROWS_PER_RANGE // 2), facts, "ranged")
    assert (facts.ranges, facts.ranges_unchanged, facts.recovered) == (5, 5, [])
    assert _stretches(world) == 0
    whole = world.reload(run_id="whole")
    left_out = {"ranges", "ranges_unchanged"}
    assert {k: v for k, v in asdict(facts).items() if k not in left_out} == {
        k: v for k, v in asdict(whole).items() if k not in left_out
    }
    assert facts.digest


def test_every_row_is_accounted_for_where_some_are_refused(world: World) -> None:
    world.write("items", _rows())
    _load_all(world, "ranged")
    facts = world.reload(RANGED, run_id="ranged")
    require_whole(world, _rows(), facts, "ranged")
    assert facts.ranges == facts.ranges_unchanged


def test_stretches_may_be_loaded_in_any_order(world: World) -> None:
    world.write("items", _rows())
    for number in reversed(plan(world, "ranged")):
        load(world, "ranged", number)
    require_whole(world, _rows(), world.reload(RANGED, run_id="ranged"), "ranged")


CHANGES: dict[str, Callable[[list[Row]], list[Row]]] = {
    "changed": lambda rows: [(*row[:4], "changed") if row[0] == "item-00005" else row for row in rows],
    "inserted": lambda rows: sorted([*rows, ("item-00005-new", "new", "new", 1, None)]),
    "inserted between two stretches": lambda rows: sorted([*rows, ("item-00036-new", "new", "new", 1, None)]),
    "inserted at both ends": lambda rows: [("a", "a", "a", 1, None), *rows, ("z", "z", "z", 1, None)],
    "deleted": lambda rows: [row for row in rows if row[0] != "item-00005"],
    "deleted at a bound": lambda rows: [row for row in rows if not "item-00030" < row[0] < "item-00045"],
    "refused": lambda rows: [(row[0], None, *row[2:]) if row[0] == "item-00005" else row for row in rows],
    "good by now": lambda rows: [(row[0], "good", *row[2:]) if row[0] == _bad(37)[0] else row for row in rows],
    "swapped between two stretches": lambda rows: [
        (row[0], {"item-00005": "name 90", "item-00090": "name 5"}.get(row[0], row[1]), *row[2:]) for row in rows
    ],
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_in_a_loaded_stretch_while_others_are_loaded_is_in_the_result(world: World, change: str) -> None:
    world.write("items", _rows())
    first, *others = plan(world, "ranged")
    load(world, "ranged", first)
    after = CHANGES[change](_rows())
    world.write("items", after)
    for number in others:
        load(world, "ranged", number)
    facts = world.reload(RANGED, run_id="ranged")
    require_whole(world, after, facts, "ranged")
    assert 0 < facts.ranges_unchanged < facts.ranges


def test_a_stretch_whose_step_ended_in_the_middle_is_loaded_again_and_no_other_one(world: World) -> None:
    world.write("items", _rows())
    first, second, third = plan(world, "ranged")
    load(world, "ranged", first)
    with pytest.raises(EndedError):
        load(world, "ranged", second, progress=ended_after(ROWS_PER_RANGE - BATCH_ROWS))
    assert world.run("ranged")["status"] == "failed"
    assert load(world, "ranged", first) == 0
    assert world.run("ranged")["status"] == "failed"
    assert load(world, "ranged", second) == ROWS_PER_RANGE
    assert world.run("ranged")["status"] == "running"
    load(world, "ranged", third)
    facts = world.reload(RANGED, run_id="ranged")
    require_whole(world, _rows(), facts, "ranged")
    assert facts.ranges == facts.ranges_unchanged


def _give_back(world: World, *ended: str) -> None:
    give_back_ended(world.ledger["tables"], TABLE, ended.__contains__)


def test_the_next_run_loads_only_the_stretches_that_are_missing(world: World) -> None:
    world.write("items", _rows())
    first, second, third = plan(world, "died")
    load(world, "died", second)
    with pytest.raises(EndedError):
        load(world, "died", third, progress=ended_after(2 * BATCH_ROWS))
    _give_back(world, "died")
    assert plan(world, "next") == (first, third)
    load(world, "next", first)
    load(world, "next", third)
    facts = world.reload(RANGED, run_id="next")
    require_whole(world, _rows(), facts, "next")
    assert world.run("next")["ranges_repeated"] == 0
    assert "this run went on with the reload of run died" in facts.recovered[-1]


def test_a_run_without_a_plan_of_its_own_loads_what_another_one_has_planned(world: World) -> None:
    """As Dagster does when a run is started again from where it failed."""
    world.write("items", _rows())
    first, *others = plan(world, "died")
    load(world, "died", first)
    _give_back(world, "died")
    for number in others:
        load(world, "again", number)
    facts = world.reload(RANGED, run_id="again")
    require_whole(world, _rows(), facts, "again")
    assert world.run("again")["ranges_repeated"] == 0


def test_the_last_step_does_what_steps_before_it_have_not_done(world: World) -> None:
    world.write("items", _rows())
    first, second, _ = plan(world, "ranged")
    load(world, "ranged", first)
    with pytest.raises(EndedError):
        load(world, "ranged", second, progress=ended_after(2 * BATCH_ROWS))
    world.write("items", [row for row in _rows() if not "item-00040" < row[0] < "item-00070"])
    facts = world.reload(RANGED, run_id="ranged")
    require_whole(world, [row for row in _rows() if not "item-00040" < row[0] < "item-00070"], facts, "ranged")


def test_a_table_that_fits_into_one_stretch_is_loaded_by_the_last_step(world: World) -> None:
    world.write("items", items(ROWS_PER_RANGE))
    assert plan(world, "ranged") == ()
    require_whole(world, items(ROWS_PER_RANGE), world.reload(RANGED, run_id="ranged"), "ranged")


def test_a_stretch_is_refused_when_its_plan_is_gone_or_made_for_another_schema(world: World) -> None:
    world.write("items", _rows())
    first, *_ = plan(world, "ranged")
    other = replace(RANGED, about="another spec")
    with pytest.raises(SourceError, match="the spec changed"):
        load(world, "ranged", first, table=other)
    world.reload(RANGED, run_id="ranged")
    with pytest.raises(TargetError, match="is not planned any more"):
        load(world, "ranged", first)
    assert world.stagings() == []


def test_between_two_steps_the_table_is_their_runs_until_that_is_known_to_have_ended(world: World) -> None:
    world.write("items", _rows())
    first, *_ = plan(world, "first")
    for work in (lambda: plan(world, "second"), lambda: load(world, "second", first), lambda: _reload(world, "second")):
        with pytest.raises(LeaseHeldError, match="run first"):
            work()
    load(world, "first", first)
    _give_back(world, "another")
    with pytest.raises(LeaseHeldError, match="run first"):
        plan(world, "second")
    _give_back(world, "first")
    assert len(plan(world, "second")) == 2


def test_a_run_that_has_ended_keeps_the_table_as_long_as_a_process_of_it_works(world: World) -> None:
    world.write("items", _rows())
    plan(world, "first")
    tables = world.ledger["tables"]
    working = [replace(Holder.this_process(), host="another.example.org").as_document()]
    tables.update_one({"_id": TABLE}, {"$set": {"lease.holders": working}})
    _give_back(world, "first")
    assert tables.find_one({"_id": TABLE})["lease"]["run_id"] == "first"
    gone = [replace(Holder.this_process(), started=0.0).as_document()]
    tables.update_one({"_id": TABLE}, {"$set": {"lease.holders": gone}})
    _give_back(world, "first")
    assert tables.find_one({"_id": TABLE})["lease"] is None


def _reload(world: World, run_id: str) -> Any:
    return world.reload(RANGED, run_id=run_id)


def test_rows_that_repeat_a_key_are_refused_with_the_cure(world: World) -> None:
    world.write("items", [*_rows(), *items(1)])
    with pytest.raises(ConfigurationError, match=r"rows repeat the key of another one\. Cure: .*load='whole'"):
        plan(world, "ranged")
    assert world.stagings() == []


def test_a_spec_that_cannot_be_loaded_in_ranges_is_refused() -> None:
    policy = SyncPolicy(load="ranged")
    with pytest.raises(SpecError, match="a time series in ranges"):
        replace(EVENTS, sync=policy)
    with pytest.raises(SpecError, match="order in different ways"):
        table(
            "blobs",
            ColumnSpec(name="id", sql_type="BLOB", value=ValueType.BINARY, nullable=False),
            text("name"),
            sync=policy,
        )
    with pytest.raises(SpecError, match="rows_per_range=0"):
        SyncPolicy(load="ranged", rows_per_range=0)
    with pytest.raises(SpecError, match="'parts' is not known"):
        SyncPolicy(load="parts")  # type: ignore[arg-type]


def test_a_catalog_that_is_published_together_has_no_table_in_ranges(world: World) -> None:
    with pytest.raises(SpecError, match="items is loaded in ranges"):
        replace(world.catalog, tables=(RANGED,), publish="together")


def test_keys_of_several_columns_are_cut_in_their_order(world: World) -> None:
    rows = [(room, seat, f"{room} {seat}") for room in ("Ä", "a", "b") for seat in range(-7, 8)]
    world.write("seats", rows)
    seats = in_ranges(SEATS, 10)
    for number in plan(world, "ranged", seats):
        load(world, "ranged", number, table=seats)
    facts = world.reload(seats, run_id="ranged")
    assert (facts.loaded, world.run("ranged")["ranges_repeated"]) == (45, 0)
    found = [(one["_id"]["room"], one["_id"]["seat"]) for one in world.live["seats"].find().sort("_id", 1)]
    assert found == sorted((room, seat) for room, seat, _ in rows)


PARTS: TableSpec = table(
    "parts", text("shelf"), integer("number"), text("name", nullable=True), key=("shelf", "number")
)


def test_a_postgresql_table_is_loaded_in_stretches_each_in_a_transaction_of_its_own(
    world: World, postgres_database: str
) -> None:
    rows = [(shelf, number) for shelf in ("B", "a", "Ä") for number in range(-10, 11)]
    values = ", ".join(f"('{shelf}', {number}, 'name of {number}')" for shelf, number in rows)
    execute(
        postgres_database,
        'CREATE TABLE parts (shelf text COLLATE "und-x-icu", number int, name text, PRIMARY KEY (shelf, number))',
        f"INSERT INTO parts VALUES {values}",
    )
    parts, source = in_ranges(PARTS, 20), source_of(postgres_database)
    first, *others = plan(world, "ranged", parts, source)
    assert len(others) == 3
    load(world, "ranged", first, table=parts, source=source)
    execute(postgres_database, "UPDATE parts SET name = 'other' WHERE shelf = 'B' AND number = -9")
    for number in others:
        load(world, "ranged", number, table=parts, source=source)
    finish(world, "ranged", parts, source)
    documents = {(one["_id"]["shelf"], one["_id"]["number"]): one["name"] for one in world.live["parts"].find()}
    assert documents == {key: "other" if key == ("B", -9) else f"name of {key[1]}" for key in rows}
    assert world.run("ranged")["ranges_repeated"] == 1


def test_a_source_gives_the_keys_that_are_so_many_rows_apart(world: World) -> None:
    world.write("items", items(10))
    with world.sqlite.snapshot() as snapshot:
        assert list(snapshot.keys_apart(RANGED, 4)) == [("item-00004",), ("item-00008",)]
        assert list(snapshot.keys_apart(RANGED, 10)) == []
        assert [key for (key,) in snapshot.keys_apart(RANGED, 1)] == [row[0] for row in items(10)[1:]]
