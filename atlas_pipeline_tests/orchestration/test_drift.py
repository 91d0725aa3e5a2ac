"""Columns that appear, go or change their type between two syncs, by every policy, and what is proven afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pymongo.errors import WriteError

from atlas_pipeline.errors import EXIT_CANNOT, SourceError, SpecError
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline_tests.orchestration.drifting import EVOLVING, FROZEN, QUARANTINING, TABLE, Drifting, drifting


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture
def things(mongo_server: MongoServer, tmp_path: Path, project: Path) -> Iterator[Drifting]:
    """The table in an SQLite file."""
    with drifting(mongo_server.uri, f"sqlite:///{tmp_path / 'source.sqlite3'}", tmp_path, project) as made:
        yield made


@pytest.fixture
def pg_things(mongo_server: MongoServer, postgres_database: str, tmp_path: Path, project: Path) -> Iterator[Drifting]:
    """The table in PostgreSQL."""
    with drifting(mongo_server.uri, postgres_database, tmp_path, project) as made:
        yield made


def stopped(things: Drifting, spec: object = FROZEN) -> SourceError:
    """The error that a sync and a plan stop with, before anything is changed."""
    before = things.documents()
    with pytest.raises(SourceError) as caught:
        things.sync(spec)  # type: ignore[arg-type]  # any spec of the table
    with pytest.raises(SourceError) as of_plan:
        things.plan(spec)  # type: ignore[arg-type]
    assert str(caught.value) == str(of_plan.value)
    assert caught.value.exit_code == EXIT_CANNOT
    assert things.documents() == before
    return caught.value


def test_frozen_a_column_that_appears_stops_the_sync_and_one_that_was_there_does_not(things: Drifting) -> None:
    things.proof.change("ALTER TABLE things ADD COLUMN early TEXT")
    assert things.sync().schema.unknown == ("early",)
    assert things.sync().published
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER NOT NULL DEFAULT 0")
    error = stopped(things)
    assert error.message == "Table things has columns that were not there at its last sync: late INTEGER NOT NULL."
    assert "columns=" in error.cure
    assert "ignored=" in error.cure
    assert "evolve" in error.cure
    assert things.is_proven(FROZEN)  # what is there is what was synced
    left_out = replace(FROZEN, ignored=("late",))
    result = things.sync(left_out)
    assert (result.published, result.schema.unknown) == (True, ("early",))
    assert things.is_proven(left_out)
    assert list(things.documents()[0]) == ["_id", "name", "amount"]


def test_a_column_that_is_added_to_the_spec_is_moved_as_the_spec_says_from_then_on(things: Drifting) -> None:
    things.sync()
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER")
    things.proof.change("UPDATE things SET late = 7 WHERE id = 2")
    stopped(things)
    assert things.sync(EVOLVING).schema.evolved == ("late",)
    wider = replace(FROZEN, columns=(*FROZEN.columns, integer("late", nullable=True, field="later")), document=())
    things.describe(wider)
    assert things.sync(wider).schema.evolved == ()
    assert things.record()["evolved"] == []
    assert [one["later"] for one in things.documents()] == [None, 7, None]
    assert things.is_proven(wider)


def test_evolving_a_column_that_may_be_null_joins_the_documents_and_everything_knows_it(things: Drifting) -> None:
    things.sync(EVOLVING)
    assert things.record()["evolved"] == []
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER")
    things.proof.change("UPDATE things SET late = 7 WHERE id = 2")
    assert things.is_proven(EVOLVING)  # not synced yet: the documents are what they were
    assert things.plan(EVOLVING).replaced == 3
    result = things.sync(EVOLVING)
    assert (result.published, result.schema.evolved, result.schema.unknown) == (True, ("late",), ())
    assert [one["late"] for one in things.documents()] == [None, 7, None]
    (entry,) = things.record()["evolved"]
    assert (entry["name"], entry["sql_type"], entry["value"]) == ("late", "INTEGER", "integer")
    assert things.is_proven(EVOLVING)
    assert things.plan(EVOLVING).unchanged == 3
    things.proof.change("UPDATE things SET late = 8 WHERE id = 3")
    assert not things.is_proven(EVOLVING)
    again = things.sync(EVOLVING)
    assert [one["late"] for one in things.documents()] == [None, 7, 8]
    assert (again.schema.evolved, things.record()["evolved"]) == (("late",), [entry])
    assert things.is_proven(EVOLVING)
    assert things.sync(FROZEN).published  # what has joined stays, whatever the policy is by now
    assert things.is_proven(FROZEN)


def test_evolving_in_place_every_document_gets_the_column_and_the_collection_stays_the_same(things: Drifting) -> None:
    in_place = replace(EVOLVING, sync=replace(EVOLVING.sync, mode="reconcile"))
    things.sync(in_place)
    before = collection_uuid(things.proof.live(TABLE).database, "things")
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER")
    things.proof.change("UPDATE things SET late = 7 WHERE id = 2")
    result = things.sync(in_place)
    assert (result.published, result.facts.replaced, result.schema.evolved) == (True, 3, ("late",))
    assert [one["late"] for one in things.documents()] == [None, 7, None]
    assert collection_uuid(things.proof.live(TABLE).database, "things") == before
    assert things.is_proven(in_place)
    assert things.sync(in_place).facts.replaced == 0
    with pytest.raises(WriteError, match="failed validation"):
        things.proof.live(TABLE).insert_one({"_id": 5, "name": None, "amount": None, "late": "soon"})


def test_evolving_a_document_with_the_new_field_holds_to_the_validator_and_one_of_another_type_does_not(
    things: Drifting,
) -> None:
    things.sync(EVOLVING)
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER")
    things.sync(EVOLVING)
    live = things.proof.live(TABLE)
    live.insert_one({"_id": 4, "name": "by the application", "amount": None, "late": 1})
    with pytest.raises(WriteError, match="failed validation"):
        live.insert_one({"_id": 5, "name": "by the application", "amount": None, "late": "soon"})


def test_evolving_a_column_that_never_is_null_or_whose_name_is_taken_is_refused_and_named(things: Drifting) -> None:
    nested = replace(
        EVOLVING,
        columns=(*(replace(one, field="label") if one.name == "name" else one for one in EVOLVING.columns),),
        document=(),
    )
    things.sync(EVOLVING)
    things.proof.change("ALTER TABLE things ADD COLUMN strict TEXT NOT NULL DEFAULT ''")
    things.proof.change("ALTER TABLE things ADD COLUMN label TEXT")
    things.proof.change('ALTER TABLE things ADD COLUMN "a.b" TEXT')
    error = stopped(things, nested)
    assert "strict TEXT is NOT NULL" in error.message
    assert "label would be field label, which the document has already" in error.message
    assert "'a.b' is no field name" in error.message
    assert "ignored=" in error.cure


def test_quarantining_rows_with_a_value_in_a_new_column_are_refused_and_the_others_are_loaded(things: Drifting) -> None:
    things.sync(QUARANTINING)
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER")
    things.proof.change("UPDATE things SET late = 7 WHERE id = 2")
    result = things.sync(QUARANTINING)
    assert (result.published, result.schema.refused) == (True, ("late",))
    assert [one["_id"] for one in things.documents()] == [1, 3]
    assert things.refused() == [(2, "late", "unknown_column")]
    assert things.is_proven(QUARANTINING)
    assert things.sync(QUARANTINING).schema.refused == ("late",)  # it is still unknown
    assert things.refused() == [(2, "late", "unknown_column")]
    assert things.sync(EVOLVING).schema.evolved == ("late",)
    assert [one["late"] for one in things.documents()] == [None, 7, None]
    assert things.refused() == []
    assert things.is_proven(EVOLVING)


def test_values_of_columns_that_nobody_described_are_shown_nowhere(things: Drifting) -> None:
    things.sync(QUARANTINING)
    things.proof.change("ALTER TABLE things ADD COLUMN token TEXT")
    things.proof.change("UPDATE things SET token = 'hunter2-7f3a' WHERE id = 2")
    things.sync(QUARANTINING)
    things.sync(EVOLVING)
    things.proof.live(TABLE).update_one({"_id": 2}, {"$set": {"token": "changed-55aa"}})
    told = repr(things.proof.verify(EVOLVING).differences)
    assert "token" in told
    held = told + repr(
        [list(things.proof.pipeline[name].find()) for name in things.proof.pipeline.list_collection_names()]
    )
    assert "hunter2" not in held
    assert "changed-55aa" not in held


def test_a_dropped_column_stops_the_sync_by_every_policy_with_both_shapes(things: Drifting) -> None:
    things.sync(FROZEN)
    things.proof.change("ALTER TABLE things RENAME COLUMN amount TO sum")
    for spec in (FROZEN, EVOLVING, QUARANTINING):
        error = stopped(things, spec)
        assert error.message == (
            "Table things lacks column amount. Spec: amount INTEGER. Source: sum INTEGER. Columns that agree: 2."
        )
    with pytest.raises(SourceError, match="lacks column amount"):
        things.proof.verify(FROZEN)


def test_an_optional_column_may_never_have_been_there_but_may_not_go(things: Drifting) -> None:
    optional = replace(FROZEN, columns=tuple(replace(one, optional=one.name == "amount") for one in FROZEN.columns))
    things.sync(optional)
    things.proof.change("ALTER TABLE things DROP COLUMN amount")
    assert stopped(things, optional).message == (
        "Table things: column amount was dropped since the last sync. "
        "Spec: amount INTEGER. Source: none of these. Columns that agree: 2."
    )


def test_a_table_that_is_gone_is_missing_and_not_called_changed(things: Drifting) -> None:
    things.sync(FROZEN)
    things.proof.change("ALTER TABLE things RENAME TO thing")
    error = stopped(things)
    assert error.message == "Table things is missing (did you mean 'thing'? known: thing)."
    assert "name the right source" in error.cure


def test_a_column_that_had_joined_by_itself_and_goes_is_given_up_by_naming_it(things: Drifting) -> None:
    things.sync(EVOLVING)
    things.proof.change("ALTER TABLE things ADD COLUMN late INTEGER")
    things.sync(EVOLVING)
    things.proof.change("ALTER TABLE things DROP COLUMN late")
    error = stopped(things, EVOLVING)
    assert error.message == (
        "Table things lacks column late. Spec: late INTEGER. Source: none of these. Columns that agree: 3."
    )
    assert "ignored=" in error.cure
    given_up = replace(EVOLVING, ignored=("late",))
    assert things.sync(given_up).schema.evolved == ()
    assert list(things.documents()[0]) == ["_id", "name", "amount"]
    assert things.is_proven(given_up)


def test_a_column_of_another_type_than_at_the_last_sync_stops_it_until_the_spec_says_so(things: Drifting) -> None:
    things.proof.change("DROP TABLE things")
    things.proof.change("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, amount)")
    things.proof.change("INSERT INTO things VALUES (1, 'one', 10)")
    assert things.sync().schema.retyped == ("name: TEXT instead of VARCHAR(80)", "amount: no type instead of INTEGER")
    assert things.sync().published  # read as it was the first time
    things.proof.change("ALTER TABLE things RENAME TO old")
    things.proof.change("CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, amount BIGINT)")
    things.proof.change("INSERT INTO things SELECT * FROM old")
    error = stopped(things)
    assert error.message == (
        "Table things: column amount was no type at the last sync and is BIGINT now. "
        "Spec: amount INTEGER. Source: amount BIGINT. Columns that agree: 2."
    )
    said = tuple(replace(one, sql_type="INTEGER or BIGINT") if one.name == "amount" else one for one in FROZEN.columns)
    assert things.sync(replace(FROZEN, columns=said)).published
    assert things.sync(FROZEN).published  # the type is that of the last sync


def test_a_type_of_postgresql_that_changed_is_refused_although_it_could_be_read(pg_things: Drifting) -> None:
    pg_things.sync()
    pg_things.proof.change("ALTER TABLE things ALTER COLUMN name TYPE VARCHAR(200)")
    error = stopped(pg_things, EVOLVING)
    assert "column name was VARCHAR(80) at the last sync and is VARCHAR(200) now" in error.message
    assert "Spec: name VARCHAR(80). Source: name VARCHAR(200). Columns that agree: 2." in error.message


def test_new_columns_of_postgresql_join_without_a_loss_and_those_that_no_policy_covers_are_refused(
    pg_things: Drifting,
) -> None:
    pg_things.sync(EVOLVING)
    pg_things.proof.change("ALTER TABLE things ADD COLUMN seen TIMESTAMPTZ, ADD COLUMN marks INTEGER[]")
    pg_things.proof.change(
        "UPDATE things SET seen = '2026-05-04 10:11:12.345678+00', marks = '{1,NULL,3}' WHERE id = 2"
    )
    assert pg_things.sync(EVOLVING).schema.evolved == ("seen", "marks")
    moved = pg_things.documents()[1]
    assert moved["seen"] == datetime(2026, 5, 4, 10, 11, 12, 345000, tzinfo=UTC)
    assert (moved["seen_us"], moved["marks"]) == (678, [1, None, 3])
    assert pg_things.is_proven(EVOLVING)
    assert pg_things.sync(EVOLVING).published
    pg_things.proof.change("ALTER TABLE things ADD COLUMN odd pg_snapshot")
    for spec in (EVOLVING, QUARANTINING):
        assert "odd" in stopped(pg_things, spec).message


def test_the_record_holds_what_the_last_sync_saw(pg_things: Drifting) -> None:
    pg_things.sync()
    assert pg_things.record() == {
        "retyped": [],
        "unknown": [],
        "columns": [
            {"name": "id", "sql_type": "INTEGER"},
            {"name": "name", "sql_type": "VARCHAR(80)"},
            {"name": "amount", "sql_type": "INTEGER"},
        ],
        "evolved": [],
        "refused": [],
    }


def test_a_column_that_is_refused_must_be_able_to_be_null() -> None:
    column = ColumnSpec(name="late", sql_type="TEXT", value=ValueType.TEXT, refused=True)
    with pytest.raises(SpecError, match="is optional or refused, but not nullable"):
        replace(TABLE, columns=(*TABLE.columns, column))
    with pytest.raises(SpecError, match="column name is listed twice"):
        replace(TABLE, ignored=("name",))
    assert replace(TABLE, columns=(*TABLE.columns, text("other", nullable=True)), ignored=("late",), document=())
