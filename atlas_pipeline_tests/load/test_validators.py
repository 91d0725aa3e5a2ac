"""The validator of a collection: made from the spec, held to by everybody, changed with the spec, and never in place of
somebody else's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from pymongo.errors import WriteError

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.load.validators import confirm_validator, ensure_validator, look_at_validator, validator_of
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.sync import Validator
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.load.small import EVENTS, ITEMS, SEATS, World, events, items, policy

JUDGED = policy(ITEMS, validator=Validator())
GOOD = {"_id": "by the application", "name": "a", "team": "b", "slot": None, "note": None}
FAILED_VALIDATION = 121
THEIRS = {"$jsonSchema": {"properties": {"slot": {"maximum": 1_000}}}}


@contextmanager
def ledger_of(world: World, table: TableSpec) -> Iterator[tuple[Any, TableLedger]]:
    """The target database, and the ledger of a table as a run sees it."""
    run = RunIdentity(run_id="a run", holder=Holder.this_process())
    with Target(world.uri) as target:
        pipeline = target.pipeline_database(world.catalog)
        yield target.database(world.catalog), TableLedger(pipeline, world.catalog, table, run)


def ensured(world: World, table: TableSpec) -> str:
    with ledger_of(world, table) as (database, ledger):
        looked = look_at_validator(database, table, ledger)
        done = ensure_validator(database, table, ledger)
    assert looked == done
    return done.state


def options(world: World, name: str = "items") -> dict[str, Any]:
    (info,) = world.live.list_collections(filter={"name": name})
    return dict(info["options"])


def refuses(world: World, document: dict[str, Any], name: str = "items") -> bool:
    """Whether the server refuses a document that the application writes."""
    try:
        world.live[name].insert_one(dict(document))
    except WriteError as error:
        return error.code == FAILED_VALIDATION
    world.live[name].delete_one({"_id": document["_id"]})
    return False


def test_everybody_is_held_to_what_the_spec_says_of_a_document(world: World) -> None:
    world.write("items", items(20))
    facts = world.reload(JUDGED)
    assert (facts.loaded, facts.quarantined) == (20, 0)
    assert (options(world)["validationLevel"], options(world)["validationAction"]) == ("strict", "error")
    assert not refuses(world, GOOD)
    for change in ({"slot": "5"}, {"name": None}, {"_id": 5}, {"further": 1}, {"slot": 5.5}):
        assert refuses(world, {**GOOD, **change}), change
    for absent in ("name", "note"):
        assert refuses(world, {name: value for name, value in GOOD.items() if name != absent}), absent
    with pytest.raises(WriteError, match="failed validation"):
        world.live["items"].update_one({"_id": "item-00003"}, {"$set": {"slot": "three"}})


def test_a_key_of_several_columns_is_held_to_its_parts(world: World) -> None:
    world.write("seats", [("a", 1, "x")])
    world.reload(policy(SEATS, validator=Validator()))
    assert not refuses(world, {"_id": {"room": "b", "seat": 2}, "name": "y"}, "seats")
    for key in ("b", {"room": "b"}, {"room": "b", "seat": "2"}, {"room": "b", "seat": 2, "row": 3}):
        assert refuses(world, {"_id": key, "name": "y"}, "seats"), key


@pytest.mark.parametrize(
    ("wanted", "refused"), [(Validator(action="warn"), False), (Validator(level="moderate"), True)], ids=str
)
def test_level_and_action_are_those_of_the_policy(world: World, wanted: Validator, refused: bool) -> None:
    world.write("items", items(5))
    world.reload()
    world.live["items"].insert_one({"_id": "item-00005", "odd": 1})
    assert "validator" not in options(world)
    table = policy(ITEMS, validator=wanted, foreign_documents="keep")
    world.reload(table)
    assert (options(world)["validationLevel"], options(world)["validationAction"]) == (wanted.level, wanted.action)
    assert refuses(world, {**GOOD, "slot": "5"}) is refused
    world.live["items"].update_one({"_id": "item-00005"}, {"$set": {"odd": 2}})  # it never held to it
    assert ensured(world, table) == "as specified"


def test_a_foreign_document_that_is_kept_is_kept_whatever_the_validator_says_of_it(world: World) -> None:
    world.write("items", items(5))
    world.reload()
    world.live["items"].insert_one({"_id": "item-00005", "odd": 1})
    facts = world.reload(policy(JUDGED, validator=Validator(), foreign_documents="keep"))
    assert facts.kept_foreign == 1
    assert world.live["items"].find_one({"_id": "item-00005"}) == {"_id": "item-00005", "odd": 1}


def test_it_changes_with_the_spec_in_place_and_by_a_reload(world: World) -> None:
    world.write("items", items(5))
    world.reload(JUDGED)
    assert ensured(world, JUDGED) == "as specified"
    nullable = replace(JUDGED, columns=tuple(replace(one, nullable=one.name != "id") for one in JUDGED.columns))
    nullable = replace(nullable, document=())
    assert refuses(world, {**GOOD, "name": None})
    assert ensured(world, nullable) == "changed"
    assert not refuses(world, {**GOOD, "name": None})
    assert ensured(world, nullable) == "as specified"
    world.reload(JUDGED)
    assert refuses(world, {**GOOD, "name": None})
    assert ensured(world, policy(JUDGED, validator=Validator(level="moderate"))) == "changed"
    assert options(world)["validationLevel"] == "moderate"
    assert ensured(world, ITEMS) == "removed"
    assert not refuses(world, {**GOOD, "odd": 1})
    assert ensured(world, ITEMS) == "none"
    world.reload(ITEMS)
    assert "validator" not in options(world)


def test_one_that_somebody_took_off_or_weakened_is_restored(world: World) -> None:
    world.write("items", items(5))
    world.reload(JUDGED)
    as_made = options(world)
    world.live.command("collMod", "items", validator={})
    assert ensured(world, JUDGED) == "applied"
    world.live.command("collMod", "items", validationLevel="off")
    assert ensured(world, JUDGED) == "changed"
    assert options(world) == as_made


def test_somebody_elses_is_kept_in_place_and_by_a_reload(world: World) -> None:
    world.write("items", items(5))
    world.reload(JUDGED)
    world.live.command("collMod", "items", validator=THEIRS, validationLevel="moderate")
    before = options(world)
    for table in (JUDGED, ITEMS):
        assert ensured(world, table) == "kept"
        world.reload(table)
        assert options(world) == before
    edited = {"$jsonSchema": {**validator_of(JUDGED)["$jsonSchema"], "additionalProperties": True}}
    world.live.command("collMod", "items", validator=edited)
    assert ensured(world, JUDGED) == "kept"  # ours, but changed by somebody
    world.live.command("collMod", "items", validator={})
    assert ensured(world, JUDGED) == "applied"


def test_a_published_collection_is_confirmed_but_not_before_the_documents_are_those_of_the_spec(world: World) -> None:
    world.write("items", items(5))
    world.reload(JUDGED)
    world.live.command("collMod", "items", validator={})
    with ledger_of(world, JUDGED) as (database, ledger):
        assert confirm_validator(database, JUDGED, ledger).state == "applied"
        changed = replace(JUDGED, about="another spec")
        assert confirm_validator(database, changed, ledger).state == "waiting"


def test_a_time_series_has_none(world: World) -> None:
    world.write("events", events(20))
    table = policy(EVENTS, validator=Validator())
    world.reload(table)
    assert "validator" not in options(world, "events")
    assert ensured(world, table) == "none"


def test_what_stands_beside_the_canonical_document_is_let_through(world: World) -> None:
    soft = policy(replace(ITEMS, indexes=()), mode="reconcile", deletes="soft", validator=Validator())
    world.live.create_collection("items", validator=validator_of(soft))
    assert not refuses(world, GOOD)
    assert not refuses(world, {**GOOD, "deleted_at": datetime.now(UTC)})
    assert refuses(world, {**GOOD, "deleted_at": "today"})
    assert "deleted_at" not in validator_of(JUDGED)["$jsonSchema"]["properties"]


def test_arrays_are_held_to_what_their_column_holds(world: World) -> None:
    table = TableSpec(
        source="lists",
        collection="lists",
        key=("id",),
        columns=(
            integer("id"),
            ColumnSpec(name="numbers", sql_type="INTEGER[]", value=ValueType.ARRAY, items=ValueType.INTEGER),
            ColumnSpec(name="words", sql_type="TEXT", value=ValueType.TEXT_LIST),
            text("note", nullable=True),
        ),
    )
    world.live.create_collection("lists", validator=validator_of(table))
    good = {"_id": 1, "numbers": [1, None, [2, [3]]], "words": ["a"], "note": None}
    assert not refuses(world, good, "lists")
    for wrong in ({"numbers": [1, "two"]}, {"numbers": 1}, {"words": ["a", None]}, {"words": "a"}):
        assert refuses(world, {**good, **wrong}, "lists"), wrong


def test_the_server_takes_the_validator_of_every_table_of_every_catalog(world: World) -> None:
    for catalog in CATALOGS.values():
        for table in catalog.tables:
            world.live.create_collection(f"{catalog.name}_{table.collection}", validator=validator_of(table))
            assert options(world, f"{catalog.name}_{table.collection}")["validator"] == validator_of(table)
