"""The index asset alone: it restores what was dropped, rebuilds what differs, and leaves strangers alone."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest

from atlas_pipeline.load.indexes import create, existing_indexes, same_definition
from atlas_pipeline_tests.load.small import digest
from atlas_pipeline_tests.orchestration.conftest import CATALOG, Site

USERS = CATALOG.table("users")


@pytest.fixture
def synced(site: Site) -> Site:
    """A collection with all its indexes, as a sync leaves it."""
    users = site.client["atlas"]["users"]
    users.insert_many(
        [{"_id": f"user-{n}", "username": f"name {n}", "email": None, "role": "member"} for n in range(5)]
    )
    create(users, USERS.indexes, comment="a sync")
    return site


def _metadata(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    assert result.success
    (event,) = result.get_asset_materialization_events()
    return {
        name: [dict(record.data) for record in value.records]
        if isinstance(value, dg.TableMetadataValue)
        else value.value
        for name, value in event.materialization.metadata.items()
    }


def _failure(result: dg.ExecuteInProcessResult) -> str:
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return data.description or ""


def _all_as_specified(site: Site) -> bool:
    existing = existing_indexes(site.client["atlas"]["users"])
    return all(index.name in existing and same_definition(index, existing[index.name]) for index in USERS.indexes)


def test_a_dropped_index_is_restored_and_confirmed(synced: Site) -> None:
    assert _all_as_specified(synced)
    synced.client["atlas"]["users"].drop_index("idx_email")
    assert not _all_as_specified(synced)
    told = _metadata(synced.run("users_indexes"))
    assert _all_as_specified(synced)
    assert (told["created"], told["confirmed"], told["replaced"]) == (1, len(USERS.indexes) - 1, 0)
    states = {record["index"]: record["state"] for record in told["definitions"]}
    assert states == {index.name: "created" if index.name == "idx_email" else "confirmed" for index in USERS.indexes}


def test_an_index_with_another_definition_under_the_same_name_is_built_anew(synced: Site) -> None:
    users = synced.client["atlas"]["users"]
    users.drop_index("idx_email")
    users.create_index("email", name="idx_email", unique=False, sparse=False)
    told = _metadata(synced.run("users_indexes"))
    assert (told["replaced"], told["created"]) == (1, 0)
    assert _all_as_specified(synced)


def test_a_stranger_is_reported_and_left_alone_and_no_document_is_touched(synced: Site) -> None:
    synced.client["atlas"]["users"].create_index([("role", 1), ("email", -1)], name="made_by_the_application")
    before = digest(synced.client["atlas"], "users")
    told = _metadata(synced.run("users_indexes"))
    assert told["strangers"] == "made_by_the_application"
    assert told["confirmed"] == len(USERS.indexes)
    assert digest(synced.client["atlas"], "users") == before


def test_a_stranger_on_the_keys_of_a_missing_index_is_named(synced: Site) -> None:
    users = synced.client["atlas"]["users"]
    users.drop_index("idx_is_active")
    users.create_index("is_active", name="made_by_the_application")
    told = _failure(synced.run("users_indexes"))
    assert "idx_is_active" in told
    assert "made_by_the_application" in told


def test_a_unique_index_that_documents_break_is_named_and_their_values_are_not(synced: Site) -> None:
    users = synced.client["atlas"]["users"]
    users.drop_index("idx_username_unique")
    users.insert_one({"_id": "by the application", "username": "name 3"})
    told = _failure(synced.run("users_indexes"))
    assert "idx_username_unique" in told
    assert "name 3" not in told


def test_a_validator_that_was_taken_off_is_put_back_once_there_was_a_sync(site: Site) -> None:
    assert site.run("users").success
    (before,) = site.client["atlas"].list_collections(filter={"name": "users"})
    site.client["atlas"].command("collMod", "users", validator={})
    assert _metadata(site.run("users_indexes"))["validator"] == "applied: the spec's validator"
    (after,) = site.client["atlas"].list_collections(filter={"name": "users"})
    assert (after["options"], after["options"]["validationAction"]) == (before["options"], "error")
    site.client["atlas"].command("collMod", "users", validator={"role": {"$exists": True}})
    assert _metadata(site.run("users_indexes"))["validator"].startswith("kept: ")


def test_a_collection_that_no_sync_published_gets_no_validator(synced: Site) -> None:
    assert _metadata(synced.run("users_indexes"))["validator"].startswith("waiting: ")
    assert synced.client["atlas"]["users"].options() == {}


def test_indexes_of_a_table_that_was_never_synced_are_refused(site: Site) -> None:
    assert "sync the table first" in _failure(site.run("users_indexes"))
    assert site.client["atlas"].list_collection_names() == []
