"""When a reload that did not come to its end is not gone on with: the next one starts over, and says why."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from atlas_pipeline.errors import DataQualityError, TargetError
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine import Quarantine
from atlas_pipeline.load.recovery import recover
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.faults import failing
from atlas_pipeline_tests.load.reload_once import cut
from atlas_pipeline_tests.load.replaying import replay
from atlas_pipeline_tests.load.resuming import (
    BATCH_ROWS,
    RANGE_DOCUMENTS,
    EndedError,
    end,
    end_during_load,
    ended_after,
    require_whole,
)
from atlas_pipeline_tests.load.small import ITEMS, StoppedError, World, items, policy, stop
from atlas_pipeline_tests.loading import new_run

ROWS = items(70)
_OPERATION_FAILED = 96


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    cut(monkeypatch, batch_rows=BATCH_ROWS, range_documents=RANGE_DOCUMENTS)


@pytest.fixture
def ended(world: World) -> World:
    """A world in which something is published, and the reload after that has ended behind two ranges."""
    world.write("items", ROWS)
    world.reload()
    assert end_during_load(world, 50, run_id="ended") == 2
    return world


def _starts_over(world: World, why: str, table: TableSpec = ITEMS) -> None:
    facts = world.reload(table, run_id="next")
    told = [
        f"the reload of run ended is not gone on with: {why}",
        "staging collection items__staging_ended was removed",
    ]
    assert [note for note in facts.recovered if "swap" not in note] == told
    assert "resumed_from" not in world.run("next")
    assert facts.bytes_sent == facts.document_bytes
    if table.sync.foreign_documents != "keep":
        require_whole(world, ROWS, facts, "next")


def _change_schema(world: World) -> None:
    with closing(sqlite3.connect(world.source)) as connection, connection:
        connection.execute("ALTER TABLE items ADD COLUMN more TEXT")


def _change_options(world: World) -> None:
    world.live.command("collMod", "items", validator={"name": {"$type": "string"}})


CHANGES: dict[str, tuple[Callable[[World], None], TableSpec]] = {
    "the spec changed": (lambda _: None, policy(ITEMS, max_shrink_percent=50)),
    "the source schema changed": (_change_schema, ITEMS),
    "the validator, or another option of the collection, changed": (_change_options, ITEMS),
}


@pytest.mark.parametrize("why", CHANGES)
def test_a_reload_whose_terms_have_changed_starts_over(ended: World, why: str) -> None:
    change, table = CHANGES[why]
    change(ended)
    _starts_over(ended, why, table)


def test_rows_that_share_a_key_by_now_cannot_be_gone_on_with(ended: World) -> None:
    ended.write("items", [*ROWS, (ROWS[3][0], "twin", "team", None, None)])
    facts = ended.reload(run_id="next")
    assert "the reload of run ended is not gone on with: rows repeat the key of another one" in facts.recovered
    assert (facts.loaded, facts.quarantined) == (len(ROWS), 1)


def test_a_reload_from_which_documents_were_removed_for_a_unique_index_starts_over(world: World) -> None:
    rows = [*ROWS, ("item-later", ROWS[3][1], "team", None, None)]
    world.write("items", rows)
    with pytest.raises(EndedError):
        world.reload(run_id="ended", after_build=end)
    facts = world.reload(run_id="next")
    why = "the reload of run ended is not gone on with: documents were removed for a unique index"
    assert facts.recovered[0] == why
    assert (facts.loaded, world.quarantined("key", "run_id")) == (len(ROWS), [(["item-later"], "next")])


def test_a_reload_that_found_other_bytes_than_it_sent_starts_over(ended: World) -> None:
    def touch(load: Any) -> None:
        load.staging.update_one({"_id": ROWS[3][0]}, {"$set": {"note": "touched"}})

    with pytest.raises(DataQualityError, match="not the bytes that were sent"):
        ended.reload(run_id="between", after_copy=touch)
    facts = ended.reload(run_id="next")
    assert facts.recovered[0] == "the reload of run between is not gone on with: it failed with DataQualityError"
    require_whole(ended, ROWS, facts, "next")


def test_a_document_of_a_finished_range_that_somebody_changed_meanwhile_is_found(ended: World) -> None:
    ended.live["items__staging_ended"].update_one({"_id": ROWS[3][0]}, {"$set": {"note": "touched"}})
    with pytest.raises(DataQualityError, match="not the bytes that were sent"):
        ended.reload(run_id="between")
    require_whole(ended, ROWS, ended.reload(run_id="next"), "next")


def test_a_reload_that_failed_for_a_reason_that_nobody_foresaw_starts_over(world: World) -> None:
    world.write("items", ROWS)
    with pytest.raises(StoppedError):
        world.reload(run_id="ended", after_copy=stop)
    _starts_over(world, "it failed with StoppedError")


def test_a_reload_into_which_foreign_documents_were_copied_starts_over(world: World) -> None:
    keep = policy(ITEMS, foreign_documents="keep")
    world.write("items", ROWS)
    world.reload(keep)
    world.live["items"].insert_one({"_id": "foreign"})
    swapping = failing(world.client, ["renameCollection"], times=1, errorCode=_OPERATION_FAILED)
    with swapping, pytest.raises(TargetError):
        world.reload(keep, run_id="ended")
    _starts_over(world, "foreign documents were copied into its staging collection", keep)
    assert world.live["items"].count_documents({}) == len(ROWS) + 1


def test_a_collection_that_somebody_else_put_in_the_place_of_staging_is_removed(ended: World) -> None:
    ended.live["items__staging_ended"].drop()
    ended.live["items__staging_ended"].insert_many({"_id": row[0]} for row in ROWS[:40])
    facts = ended.reload(run_id="next")
    assert facts.recovered == ["staging collection items__staging_ended was removed"]
    require_whole(ended, ROWS, facts, "next")


def test_rows_whose_keys_the_server_orders_otherwise_are_loaded_from_the_beginning(world: World) -> None:
    key = ColumnSpec(name="name", value=ValueType.BINARY, sql_type="VARCHAR(64)")
    table = TableSpec(source="numbers", collection="numbers", key=("name",), columns=(integer("id"), key))
    world.write("numbers", [(n, bytes([n]) * (1 + n % 3)) for n in range(70)])
    with pytest.raises(EndedError):
        world.reload(table, run_id="ended", after_build=end)
    facts = world.reload(table, run_id="next")
    why = "the source orders its keys in another way than the server"
    assert facts.recovered[0] == f"the reload of run ended is not gone on with: {why}"
    assert facts.loaded == world.live["numbers"].count_documents({}) == 70


def test_a_run_that_has_finished_no_range_leaves_nothing_to_go_on_with(world: World) -> None:
    world.write("items", ROWS)
    with pytest.raises(EndedError), world.loading(ITEMS, run_id="ended", progress=ended_after(1)) as load:
        load.copy()
    facts = world.reload(run_id="next")
    assert facts.recovered == ["staging collection items__staging_ended was removed"]
    require_whole(world, ROWS, facts, "next")


def test_a_replay_in_between_leaves_a_reload_to_be_gone_on_with(ended: World) -> None:
    replay(ended)
    (name,) = ended.stagings()
    assert name == "items__staging_ended_again_2"
    facts = ended.reload(run_id="next")
    record = ended.run("next")
    assert (record["resumed_from"], record["ranges_reused"], record["ranges_repeated"]) == ("ended", 2, 0)
    require_whole(ended, ROWS, facts, "next")


def test_a_run_after_which_no_reload_is_needed_removes_what_is_left_of_one(ended: World) -> None:
    with Target(ended.uri) as target:
        pipeline = target.pipeline_database(ended.catalog)
        given = (pipeline, ended.catalog, ITEMS, new_run("in place"))
        done = recover(target.database(ended.catalog), "items", TableLedger(*given), Quarantine(*given))
    assert done == [
        "the reload of run ended is not gone on with: it is not needed any more",
        "staging collection items__staging_ended was removed",
    ]
    assert ended.stagings() == []
    require_whole(ended, ROWS, ended.reload(run_id="next"), "next")
