"""What Dagster tries again: a fault that can pass, and nothing else."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import dagster as dg
import pytest
from dagster import DagsterEventType

from atlas_pipeline.load import transient
from atlas_pipeline_tests.load.faults import failing
from atlas_pipeline_tests.orchestration.conftest import Site


def _count(result: dg.ExecuteInProcessResult, kind: DagsterEventType) -> int:
    return len(result.filter_events(lambda event: event.event_type is kind))


def _failure(result: dg.ExecuteInProcessResult) -> tuple[str, int]:
    """Description and exit code of the only failed step."""
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    data = event.step_failure_data.user_failure_data
    assert data is not None
    assert data.description is not None
    return data.description, data.metadata["exit_code"].value  # type: ignore[return-value]


def test_a_connection_that_comes_back_is_worth_another_attempt(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transient, "FIRST_WAIT_SECONDS", 0)
    monkeypatch.setattr(transient, "JITTER_SECONDS", 0)
    with failing(site.client, ["insert"], times=transient.ATTEMPTS, closeConnection=True):
        result = site.run("role_permissions")
    assert result.success
    assert _count(result, DagsterEventType.STEP_UP_FOR_RETRY) == 1
    assert _count(result, DagsterEventType.ASSET_MATERIALIZATION) == 1
    assert site.client["atlas"]["role_permissions"].count_documents({}) == site.rows["role_permissions"]
    (record,) = site.client["atlas_pipeline"]["runs"].find()
    assert (record["status"], record["run_id"]) == ("published", result.run_id)
    assert site.client["atlas"].list_collection_names() == ["role_permissions"]


def test_another_attempt_goes_on_behind_what_the_first_one_has_loaded(site: Site) -> None:
    with failing(site.client, ["renameCollection"], times=1, closeConnection=True):
        result = site.run("role_permissions")
    assert result.success
    assert _count(result, DagsterEventType.STEP_UP_FOR_RETRY) == 1
    (record,) = site.client["atlas_pipeline"]["runs"].find()
    told = [record[name] for name in ("run_id", "status", "resumed_from", "ranges_reused", "ranges_repeated", "bytes")]
    assert told == [result.run_id, "published", result.run_id, 1, 0, 0]
    assert site.client["atlas"]["role_permissions"].count_documents({}) == site.rows["role_permissions"]
    assert site.client["atlas"].list_collection_names() == ["role_permissions"]


def test_what_a_person_must_change_is_not_tried_again_and_nothing_follows_it(site: Site) -> None:
    site.client["atlas"]["role_permissions"].insert_one({"_id": "by the application"}, bypass_document_validation=True)
    result = site.run("role_permissions", "role_permissions_indexes")
    description, code = _failure(result)
    assert code == 2
    assert "1 foreign documents" in description
    assert "Cure: " in description
    assert _count(result, DagsterEventType.STEP_UP_FOR_RETRY) == 0
    assert _count(result, DagsterEventType.ASSET_MATERIALIZATION) == 0
    assert site.client["atlas"]["role_permissions"].count_documents({}) == 1


def test_one_table_that_fails_does_not_stop_the_others(site: Site) -> None:
    with closing(sqlite3.connect(site.source)) as source, source:
        source.execute("ALTER TABLE foreman_configs RENAME COLUMN username TO user_name")
    result = site.run("foreman_configs", "vcenter_configs")
    assert not result.success
    description, _ = _failure(result)
    assert "foreman_configs lacks column username" in description
    assert site.client["atlas"].list_collection_names() == ["vcenter_configs"]
