"""Tables that are published together: all of them at the end of the run, or none."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg
import pytest
from pymongo.database import Database

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.load import staging
from atlas_pipeline.load.target import collection_uuid
from atlas_pipeline.orchestration.component import CatalogComponent
from atlas_pipeline.orchestration.instance import CATALOG_TAG
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.quality.checks import CHECKS
from atlas_pipeline_tests.load.small import policy
from atlas_pipeline_tests.orchestration.conftest import CATALOG, Site

NAMES = ("users", "role_permissions", "user_api_keys")
TOGETHER = replace(
    CATALOG, publish="together", tables=tuple(policy(CATALOG.table(name), mode="reload", cursor=None) for name in NAMES)
)


@dataclass(frozen=True)
class Group:
    """A catalog of three tables that are published together, and where it runs."""

    site: Site
    definitions: dg.Definitions

    @property
    def database(self) -> Database[dict[str, Any]]:
        return self.site.client[TOGETHER.database]

    def run(self, *names: str) -> dg.ExecuteInProcessResult:
        """Sync these tables, or all, as the job of the UI does."""
        keys = {dg.AssetKey([TOGETHER.name, name]) for name in names or NAMES}
        checks = {dg.AssetCheckKey(key, check.name) for key in keys for check in CHECKS}
        job = self.definitions.resolve_job_def(f"sync_{TOGETHER.name}")
        return job.get_subset(asset_selection=keys, asset_check_selection=checks).execute_in_process(
            instance=self.site.instance,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={CATALOG_TAG: TOGETHER.name},
            raise_on_error=False,
        )

    def change(self, statement: str) -> None:
        """Change the source."""
        with closing(sqlite3.connect(self.site.source)) as source, source:
            source.execute(statement)

    def uuids(self) -> dict[str, Any]:
        """By which the server knows the live collections."""
        return {name: collection_uuid(self.database, name) for name in NAMES}

    def record(self, result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
        """What the ledger keeps of a table in a run."""
        runs = self.site.client[TOGETHER.pipeline_database]["runs"]
        return runs.find_one({"run_id": result.run_id, "collection": name}) or {}


@pytest.fixture
def group(site: Site, monkeypatch: pytest.MonkeyPatch) -> Group:
    monkeypatch.setitem(CATALOGS, TOGETHER.name, TOGETHER)
    component = CatalogComponent.resolve_from_yaml(f"catalog: {TOGETHER.name}")
    made = component.build_defs(dg.ComponentTree.for_test().load_context)
    return Group(site, dg.Definitions.merge(made, dg.Definitions(resources={"pipeline": PipelineResource()})))


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    return {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}


def why(result: dg.ExecuteInProcessResult) -> str:
    """What the failed step says."""
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    failure = event.step_failure_data.user_failure_data
    assert failure is not None
    return failure.description or ""


def test_no_collection_is_swapped_in_before_the_last_one_is_loaded_and_checked(group: Group) -> None:
    with group.database.watch() as stream:
        assert group.run().success
        events = []
        while len([event for event in events if event["operationType"] == "rename"]) < len(NAMES):
            events.append(stream.next())
    order = [event["operationType"] for event in events if event["operationType"] in ("insert", "rename")]
    assert order == ["insert"] * (len(order) - len(NAMES)) + ["rename"] * len(NAMES)
    for name in NAMES:
        assert group.database[name].count_documents({}) == group.site.rows[name]


def test_a_table_that_cannot_be_read_keeps_all_live_collections_as_they_are_and_the_next_run_goes_on(
    group: Group,
) -> None:
    assert group.run().success
    before = group.uuids()
    group.change("ALTER TABLE user_api_keys RENAME COLUMN label TO sticker")
    result = group.run()
    assert not result.success
    assert "label" in why(result)
    assert materialized(result) == set()
    assert group.uuids() == before
    assert group.record(result, "users")["status"] == "failed"
    assert group.record(result, "users")["error"] == "not published: neither was user_api_keys, of the same catalog"
    group.change("ALTER TABLE user_api_keys RENAME COLUMN sticker TO label")
    again = group.run()
    assert again.success
    assert materialized(again) == set(NAMES)
    assert not set(group.uuids().values()) & set(before.values())
    assert group.record(again, "users")["resumed_from"] == result.run_id
    assert not [name for name in group.database.list_collection_names() if "__staging_" in name]


def test_a_collection_that_cannot_be_swapped_is_named_and_those_behind_it_are_held_back(
    group: Group, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert group.run().success
    before = group.uuids()
    monkeypatch.setattr(staging, "RENAME_TIMEOUT_MS", 200)
    monkeypatch.setattr(staging, "RENAME_ATTEMPTS", 2)
    with group.site.client.start_session() as session, session.start_transaction():
        group.database["role_permissions"].update_one({}, {"$set": {"touched": True}}, session=session)
        result = group.run()
        session.abort_transaction()
    assert not result.success
    assert "role_permissions could not be replaced" in why(result)
    assert materialized(result) == {"users"}
    after = group.uuids()
    assert [name for name in NAMES if after[name] != before[name]] == ["users"]
    assert (
        group.record(result, "user_api_keys")["error"]
        == "not published: neither was role_permissions, of the same catalog"
    )
    assert group.run().success
    assert all(after[name] != now for name, now in group.uuids().items())


def test_a_part_of_the_tables_can_be_published_alone(group: Group) -> None:
    result = group.run("role_permissions")
    assert result.success
    assert materialized(result) == {"role_permissions"}
    assert set(group.database.list_collection_names()) == {"role_permissions"}
