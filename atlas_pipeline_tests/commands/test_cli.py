"""The commands told as one story: a server and a source, looked at, synced, interrupted, disturbed and synced again.

Each fixture is the next part of the story. The shapes of the JSON are those that other programs rely on.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DONE, EXIT_INTERRUPTED
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.orchestration.instance import ACTIVE, open_instance
from atlas_pipeline.orchestration.metadata import indexes_key
from atlas_pipeline_tests.commands import story
from atlas_pipeline_tests.commands.cli import Said
from atlas_pipeline_tests.commands.story import MARK, Again, First, Interrupted, Place, content, findings
from atlas_pipeline_tests.commands.tool import CATALOG, Client, table

USERS = INFRASTRUCTURE_ATLAS.table("users")
STATUS_KEYS = [
    *("catalog", "table", "collection", "source_rows", "documents", "quarantined", "discarded", "indexes"),
    *("last_sync", "last_verified", "ready", "because", "policy", "lag_seconds", "watermark", "last_reconciled"),
    *("verified_equal", "verified_mode", "drift", "indexes_wanted", "soft_deleted", "counts", "running", "failed"),
]
SYNC_KEYS = ["ok", "run_id", "seconds", "tables", "problems", "report"]
SYNC_TABLE_KEYS = [
    *("catalog", "table", "collection", "read", "inserted", "replaced", "deleted", "unchanged", "quarantined"),
    *("seconds", "status", "mode"),
]


@pytest.fixture(scope="module")
def place(mongo_server: MongoServer, empty_target: Client, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with story.opened_place(tmp_path_factory.mktemp("cli"), mongo_server.uri, empty_target) as opened:
        yield opened


# --- before, and the first sync: one table here, one table elsewhere -------------------------------------------------


@pytest.fixture(scope="module")
def before(place: Place) -> Said:
    return place.tool.run("status", CATALOG, "--json")


@pytest.fixture(scope="module")
def first(place: Place, before: Said) -> First:
    return story.sync_for_the_first_time(place)


def test_status_before_the_first_sync_says_that_no_table_is_ready(place: Place, before: Said) -> None:
    assert before.code == EXIT_DONE, before.err
    assert list(before.json) == ["tables"]
    assert [row["collection"] for row in before.json["tables"]] == [
        each.collection for each in INFRASTRUCTURE_ATLAS.tables
    ]
    for row in before.json["tables"]:
        assert list(row) == STATUS_KEYS
        assert row["catalog"] == CATALOG
        assert row["source_rows"] == place.rows[row["table"]]
        assert (row["ready"], row["last_sync"], row["last_verified"]) == (False, None, None)
    assert table(before, "users")["because"] == "never synced"
    assert table(before, "chat_sessions")["because"] == "the collection was not made by this pipeline"


def test_sync_tells_machines_what_it_did_in_the_agreed_shape(place: Place, first: First) -> None:
    said = first.here
    assert said.code == EXIT_DONE, said.err
    assert list(said.json) == SYNC_KEYS
    assert said.json["ok"] is True
    assert said.json["problems"] == []
    assert Path(said.json["report"]).is_file()
    (users,) = said.json["tables"]
    assert list(users) == SYNC_TABLE_KEYS
    counts = {name: users[name] for name in SYNC_TABLE_KEYS[3:9]}
    rows = place.rows["users"]
    assert counts == {"read": rows, "inserted": rows, "replaced": 0, "deleted": 0, "unchanged": 0, "quarantined": 0}
    assert (users["catalog"], users["table"], users["collection"]) == (CATALOG, "users", "users")
    assert users["seconds"] > 0


def test_sync_of_one_table_touches_only_its_collection(place: Place, first: First) -> None:
    assert content(place.client, "chat_sessions") == first.theirs
    assert set(place.client.atlas.list_collection_names()) == {"users", "chat_sessions"}
    assert place.client.atlas.users.count_documents({}) == place.rows["users"]
    assert [each["_id"] for each in place.client.atlas_pipeline.tables.find()] == [f"{CATALOG}.users"]


def test_another_source_and_another_server_are_what_the_settings_name(place: Place, first: First) -> None:
    assert first.elsewhere.code == EXIT_DONE, first.elsewhere.err
    moved = list(place.elsewhere_client.atlas.role_permissions.find())
    assert len(moved) == table(first.elsewhere, "role_permissions")["read"] > 0
    assert {document["description"] for document in moved} == {MARK}
    assert place.elsewhere_client.atlas.list_collection_names() == ["role_permissions"]
    assert "role_permissions" not in place.client.atlas.list_collection_names()
    assert place.client.atlas_pipeline.runs.count_documents({"run_id": first.elsewhere.json["run_id"]}) == 0


@pytest.fixture(scope="module")
def looked_at(place: Place, first: First) -> dict[str, Said]:
    return story.look_at_users(place)


def test_status_and_doctor_find_a_synced_table_in_order(place: Place, looked_at: dict[str, Said]) -> None:
    assert [said.code for said in looked_at.values()] == [EXIT_DONE, EXIT_DONE]
    (row,) = looked_at["status"].json["tables"]
    assert (row["documents"], row["indexes"]) == (place.rows["users"], len(USERS.indexes))
    assert (row["ready"], row["because"]) == (False, "never fully verified")  # all else holds
    assert row["last_sync"]
    assert looked_at["doctor"].json["ok"] is True
    assert findings(looked_at["doctor"], "wrong") == {}
    assert findings(looked_at["doctor"], "ok")["users: indexes"] == f"all {len(USERS.indexes)} as specified"


# --- interrupted while the server holds the load ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def interrupted(place: Place, looked_at: dict[str, Said]) -> Interrupted:
    return story.interrupt_two_syncs(place)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_load_ends_the_run_with_130_and_on_record(
    interrupted: Interrupted, number: signal.Signals
) -> None:
    tool, said = interrupted[number]
    assert said.code == EXIT_INTERRUPTED, said.text
    assert "Traceback" not in said.err
    assert said.json["ok"] is False
    (problem,) = said.json["problems"]
    assert problem.endswith("interrupted")
    with open_instance(tool.settings) as instance:
        run = instance.get_run_by_id(said.json["run_id"])
        assert run is not None
        assert run.status is DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_info(f"{CATALOG}_source").claimed_slots == []


def test_an_interrupted_load_leaves_collections_and_lease_as_they_were(
    place: Place, first: First, interrupted: Interrupted
) -> None:
    assert content(place.client, "users") == first.users
    assert "role_permissions" not in place.client.atlas.list_collection_names()
    assert [each["lease"] for each in place.client.atlas_pipeline.tables.find()] == [None, None]


# --- killed, disturbed, and synced again while another one tries ------------------------------------------------------


@pytest.fixture(scope="module")
def killed(place: Place, interrupted: Interrupted) -> str:
    return story.kill_a_sync(place)


@pytest.fixture(scope="module")
def disturbed(place: Place, killed: str) -> dict[str, Said]:
    story.disturb(place)
    return story.look_at_users(place)


@pytest.fixture(scope="module")
def again(place: Place, disturbed: dict[str, Said]) -> Again:
    return story.sync_twice_at_once(place)


def test_a_row_added_at_the_source_and_a_dropped_index_end_readiness(place: Place, disturbed: dict[str, Said]) -> None:
    (row,) = disturbed["status"].json["tables"]
    assert (row["source_rows"], row["documents"]) == (place.rows["users"] + 1, place.rows["users"])
    assert row["ready"] is False
    assert "rows and documents do not add up" in row["because"]
    assert f"1 of {len(USERS.indexes)} indexes missing" in row["because"]


def test_doctor_notes_a_dropped_index_and_a_stranger_and_stays_content(disturbed: dict[str, Said]) -> None:
    assert disturbed["doctor"].code == EXIT_DONE
    note = findings(disturbed["doctor"], "note")["users: indexes"]
    assert note == "missing: idx_email; not in the spec: theirs"


def test_doctor_names_table_and_column_that_are_missing(place: Place, first: First) -> None:
    said = place.without("users", "external_provider").run("doctor", CATALOG, "--table", "users", "--json")
    assert said.code == EXIT_CANNOT
    assert said.json["ok"] is False
    (detail,) = findings(said, "wrong").values()
    assert "users" in detail
    assert "external_provider" in detail


def test_of_two_syncs_of_one_table_the_second_refuses_and_names_the_first(again: Again) -> None:
    assert again.second.code == EXIT_CANNOT
    assert again.second.json.keys() == {"ok", "error", "cure"}
    assert f"users is being worked on by run {again.first_run}" in again.second.json["error"]
    assert again.first.code == EXIT_DONE, again.first.err
    assert again.first.json["run_id"] == again.first_run


def test_the_sync_after_an_interrupted_and_a_killed_one_is_fine(place: Place, killed: str, again: Again) -> None:
    assert again.first.json["ok"] is True
    assert place.client.atlas.users.count_documents({}) == place.rows["users"] + 1
    assert not [name for name in place.client.atlas.list_collection_names() if name.startswith("users__")]
    with open_instance(place.tool.settings) as instance:
        dead = instance.get_run_by_id(killed)
        assert dead is not None
        assert dead.status is DagsterRunStatus.FAILURE
        assert instance.get_runs(dg.RunsFilter(statuses=ACTIVE)) == []
        assert instance.event_log_storage.get_concurrency_info(f"{CATALOG}_source").claimed_slots == []


def test_a_sync_restores_a_dropped_index_and_keeps_and_reports_a_stranger(place: Place, again: Again) -> None:
    indexes = set(place.client.atlas.users.index_information())
    assert indexes == {"_id_", "theirs", *(index.name for index in USERS.indexes)}
    with open_instance(place.tool.settings) as instance:
        event = instance.get_latest_materialization_event(indexes_key(INFRASTRUCTURE_ATLAS, USERS))
        assert event is not None
        assert event.run_id == again.first_run
        assert event.asset_materialization is not None
        assert event.asset_materialization.metadata["strangers"].value == "theirs"


def test_the_schedule_skips_while_a_run_is_active_and_requests_one_afterwards(again: Again) -> None:
    assert again.skipped is not None
    assert again.first_run in again.skipped
    (tags,) = again.requested
    assert (tags["catalog"], tags["trigger"]) == (CATALOG, "schedule")
