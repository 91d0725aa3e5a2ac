"""What goes wrong in the original migration with indexes, storage and second runs goes right here, on real servers.

The tests are named after the defects that `test_platform_defects` accounts for.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.errors import OperationFailure

from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM
from atlas_pipeline.errors import SpecError, TargetError
from atlas_pipeline.load.facts import LoadFacts
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import ValueType
from atlas_pipeline.spec.shorthand import by_keys
from atlas_pipeline_tests.catalogs.facts_investigation_platform import FACTS, SECRETS, TIME_SERIES
from atlas_pipeline_tests.catalogs.platform_rows import document_of
from atlas_pipeline_tests.end_to_end.platform_states import load_all, opened
from atlas_pipeline_tests.postgres import empty_database

SMALL = replace(
    PlatformSize.small(), investigation_states=20, investigation_audit_log=300, detection_runs=40, anomaly_events=20
)
TABLES = ("investigations", "detectors", "detection_runs", "audit_log")


@dataclass(frozen=True)
class World:
    """A source that a test may change, and databases of its own."""

    url: str
    catalog: CatalogSpec
    target: Target

    @property
    def database(self) -> Database[dict[str, Any]]:
        return self.target.database(self.catalog)

    def load(self, *collections: str) -> dict[str, LoadFacts]:
        return load_all(self.target, self.catalog, self.url, collections or TABLES)

    def execute(self, statement: str) -> None:
        with opened(self.url) as connection:
            connection.execute(statement)

    def documents(self, collection: str) -> list[dict[str, Any]]:
        return sorted(self.database[collection].find(), key=lambda document: str(document["_id"]))


@pytest.fixture
def world(mongo_server: MongoServer, postgres_server: PostgresServer) -> Iterator[World]:
    catalog = replace(INVESTIGATION_PLATFORM, database=f"defects_{uuid.uuid4().hex[:12]}")
    with empty_database(postgres_server) as url, Target(mongo_server.uri) as target:
        write_platform_sample(url, size=SMALL, hard=False)
        try:
            yield World(url, catalog, target)
        finally:
            target.client.drop_database(catalog.database)
            target.client.drop_database(catalog.pipeline_database)


# --- second runs -----------------------------------------------------------------------------------------------------


def test_m08_a_second_run_changes_no_document_of_any_kind_of_collection(world: World) -> None:
    world.load()
    before = {name: world.documents(name) for name in TABLES}
    again = world.load()
    assert {name: world.documents(name) for name in TABLES} == before
    assert all(len(before[name]) == again[name].source_rows > 0 for name in TABLES)


def test_m31_a_row_that_changed_or_went_after_the_first_run_is_caught_up_by_the_second(world: World) -> None:
    world.load()
    first = {name: {one["_id"]: one for one in world.documents(name)} for name in TABLES}
    investigation, run = (next(iter(first[name])) for name in ("investigations", "detection_runs"))
    entry, gone = list(first["audit_log"])[:2]
    world.execute(f"UPDATE investigation_states SET version = version + 1 WHERE investigation_id = '{investigation}'")
    world.execute(f"UPDATE detection_runs SET status = 'failed', finished_at = NULL WHERE id = '{run}'")
    world.execute(f"UPDATE investigation_audit_log SET changes_json = '[1]' WHERE entry_id = '{entry}'")
    world.execute(f"DELETE FROM investigation_audit_log WHERE entry_id = '{gone}'")
    world.load()
    second = {name: {one["_id"]: one for one in world.documents(name)} for name in TABLES}

    changed = {name: {key for key in first[name] if second[name].get(key) != first[name][key]} for name in TABLES}
    assert changed == {"investigations": {investigation}, "detectors": set(), "detection_runs": {run},
        "audit_log": {entry, gone}}  # fmt: skip
    assert gone not in second["audit_log"]
    assert second["investigations"][investigation]["version"] == first["investigations"][investigation]["version"] + 1
    found = second["detection_runs"][run]
    assert (found["metadata"]["status"], found["finished_at"], found["duration_ms"]) == ("failed", None, None)
    assert second["audit_log"][entry]["changes"]["after"] == [1]


def test_m28_rows_are_not_looked_up_and_inserted_one_by_one(world: World) -> None:
    def commands() -> int:
        counted = world.target.client.admin.command("serverStatus")["metrics"]["commands"]
        return sum(int(counted[name]["total"]) for name in ("find", "insert", "update", "aggregate"))

    before = commands()
    rows = sum(facts.source_rows for facts in world.load("audit_log").values())
    assert commands() - before < rows / 4


# --- time series -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("collection", TIME_SERIES)
def test_m17_and_m42_an_ordinary_collection_in_the_place_of_a_time_series_is_refused_and_not_filled(
    world: World, collection: str
) -> None:
    world.database[collection].create_index("run_id", unique=True)
    with pytest.raises(TargetError, match=f"{collection} is a collection, and the spec wants a time series") as caught:
        world.load(collection)
    assert "drop or rename it" in caught.value.cure
    assert world.database[collection].count_documents({}) == 0

    world.database[collection].drop()
    world.load(collection)
    (info,) = world.database.list_collections(filter={"name": collection})
    assert info["type"] == "timeseries"
    assert world.documents(collection)


@pytest.mark.parametrize("collection", TIME_SERIES)
def test_m41_a_unique_index_on_a_time_series_is_refused_before_a_server_is_asked(world: World, collection: str) -> None:
    table = INVESTIGATION_PLATFORM.table(collection)
    key = FACTS[collection]["fields"][1][0]
    with pytest.raises(SpecError, match=r"unique index .* on a time series"):
        replace(table, indexes=(by_keys(key, unique=True),))
    world.load(collection)
    with pytest.raises(OperationFailure):
        world.database[collection].create_index(key, unique=True)


def test_m47_one_word_makes_an_ordinary_collection_with_the_same_documents(world: World) -> None:
    world.load("audit_log")
    series = world.documents("audit_log")
    plain = replace(INVESTIGATION_PLATFORM.table("audit_log"), storage="plain")
    other = replace(world, catalog=replace(world.catalog, tables=(plain,)))
    world.database["audit_log"].drop()
    other.load("audit_log")
    (info,) = world.database.list_collections(filter={"name": "audit_log"})
    assert info["type"] == "collection"
    assert other.documents("audit_log") == series


# --- indexes, secrets and storage ------------------------------------------------------------------------------------


def test_m35_the_indexes_that_the_verification_asks_for_are_made() -> None:
    for collection, name in (("detectors", "type_1"), ("anomaly_events", "run_id_1")):
        assert name in {index.name for index in INVESTIGATION_PLATFORM.table(collection).indexes}


def test_m36_no_document_can_be_without_a_tenant() -> None:
    for table in INVESTIGATION_PLATFORM.tables:
        (leaf,) = (leaf for leaf in table.leaves if leaf.path.split(".")[-1] == "tenant_id")
        assert (leaf.value, leaf.nullable) == (ValueType.TEXT, False)


def test_m18_each_id_that_readers_look_up_is_unique_where_a_server_can_hold_that() -> None:
    keys = {"templates": "template_id", "composio_connections": "connection_id", "composio_action_audits": "audit_id",
        "soar_playbook_executions": "execution_id", "detectors": "detector_id"}  # fmt: skip
    for collection, key in keys.items():
        assert any(
            index.unique and index.fields == (key,) for index in INVESTIGATION_PLATFORM.table(collection).indexes
        )


def test_m44_an_index_names_a_field_that_documents_have() -> None:
    for collection, key in (("detection_runs", "run_id"), ("audit_log", "entry_id")):
        names = {index.name for index in INVESTIGATION_PLATFORM.table(collection).indexes}
        assert f"{key}_1" in names
        assert f"metadata.{key}_1" not in names


def test_m45_each_look_up_of_the_action_audits_has_an_index() -> None:
    table = INVESTIGATION_PLATFORM.table("composio_action_audits")
    first = {index.fields[0] for index in table.indexes}
    assert first >= {"audit_id", "action_id", "execution_id", "toolkit_name", "connection_id", "status", "tenant_id"}
    assert any(index.fields == ("tenant_id", "executed_at") for index in table.indexes)


def test_ciphertexts_are_copied_to_the_byte_and_declared_secret() -> None:
    token = "Y2lw\naGVy==  "
    assert document_of("composio_connections", encrypted_access_token=token)["encrypted_access_token"] == token
    table = INVESTIGATION_PLATFORM.table("composio_connections")
    assert {("composio_connections", path) for path in table.secret_paths} == SECRETS
