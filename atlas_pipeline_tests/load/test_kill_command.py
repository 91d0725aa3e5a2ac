"""`kill -9` of a whole command while it changes the target: run, pool slot and table are recovered by the next one."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from pymongo import MongoClient

from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.orchestration.instance import open_instance
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands import cli, in_process
from atlas_pipeline_tests.load.faults import held

POOL = "infrastructure_atlas_source"
SYNC = ("sync", "--table", "users", "--json")


@pytest.fixture
def client(mongo_server: MongoServer) -> Iterator[MongoClient[dict[str, Any]]]:
    """A client of a server that has nothing of the catalog."""
    with MongoClient[dict[str, Any]](mongo_server.uri, tz_aware=True) as made:
        for database in ("atlas", "atlas_pipeline"):
            made.drop_database(database)
        yield made
        for database in ("atlas", "atlas_pipeline"):
            made.drop_database(database)


def _dagster(instance: dg.DagsterInstance, run_id: str) -> tuple[DagsterRunStatus, list[str]]:
    """Status of a run, and which runs hold the pool's slots."""
    run = instance.get_run_by_id(run_id)
    assert run is not None
    slots = instance.event_log_storage.get_concurrency_info(POOL).claimed_slots
    return run.status, [slot.run_id for slot in slots]


def test_a_command_that_is_killed_in_its_swap_is_recovered_by_the_next_one(
    client: MongoClient[dict[str, Any]], mongo_server: MongoServer, tmp_path: Path
) -> None:
    source = tmp_path / "source.sqlite3"
    facts = write_sample(source, size=SampleSize.default().scaled(0.01))
    env = {
        "ATLAS_DB_URL": f"sqlite:///{source}",
        "MONGODB_URI": mongo_server.uri,
        "ATLAS_STATE_DIR": tmp_path / "state",
    }
    with held(client, "renameCollection") as swap, cli.started(*SYNC, env=env) as process:
        swap.wait()
        process.kill()
        process.wait()
        record = client["atlas_pipeline"]["runs"].find_one({"status": "running"})
        assert record is not None
        assert record["phase"] == "rename"
        assert "users" not in client["atlas"].list_collection_names()
        with open_instance(Settings(ATLAS_STATE_DIR=tmp_path / "state")) as instance:
            assert _dagster(instance, record["run_id"]) == (DagsterRunStatus.STARTED, [record["run_id"]])

    following = in_process.run(*SYNC, env=env)
    assert following.code == 0, following
    assert following.json["tables"][0]["inserted"] == facts.rows["users"]
    assert client["atlas"].list_collection_names() == ["users"]
    _require_recovered(client, tmp_path, record["run_id"], following.json["run_id"])


def test_a_command_that_is_killed_while_it_changes_documents_in_place_is_recovered_by_the_next_one(
    client: MongoClient[dict[str, Any]], mongo_server: MongoServer, tmp_path: Path
) -> None:
    file = tmp_path / "source.sqlite3"
    write_sample(file, size=SampleSize.default().scaled(0.01))
    env = {
        "ATLAS_DB_URL": f"sqlite:///{file}",
        "MONGODB_URI": mongo_server.uri,
        "ATLAS_STATE_DIR": tmp_path / "state",
    }
    assert in_process.run(*SYNC, env=env).code == 0
    with closing(sqlite3.connect(file)) as source, source:
        changed = source.execute("UPDATE users SET username = username || '-2' WHERE rowid <= 3").rowcount
    with held(client, "update", namespace="atlas.users") as write, cli.started(*SYNC, env=env) as process:
        write.wait()
        process.kill()
        process.wait()
        record = client["atlas_pipeline"]["runs"].find_one({"status": "running"})
        assert record is not None
        assert record["phase"] == "apply"
        with open_instance(Settings(ATLAS_STATE_DIR=tmp_path / "state")) as instance:
            assert _dagster(instance, record["run_id"]) == (DagsterRunStatus.STARTED, [record["run_id"]])

    following = in_process.run(*SYNC, env=env)
    assert following.code == 0, following
    assert (following.json["tables"][0]["mode"], following.json["tables"][0]["replaced"]) == ("reconcile", changed)
    assert client["atlas"]["users"].count_documents({"username": {"$regex": "-2$"}}) == changed
    _require_recovered(client, tmp_path, record["run_id"], following.json["run_id"])


def _require_recovered(client: MongoClient[dict[str, Any]], folder: Path, dead: str, following: str) -> None:
    """Ledger and Dagster say that the dead run is dead, and nothing of it is left."""
    assert client["atlas_pipeline"]["runs"].distinct("status", {"run_id": dead}) == ["died"]
    with open_instance(Settings(ATLAS_STATE_DIR=folder / "state")) as instance:
        assert _dagster(instance, dead) == (DagsterRunStatus.FAILURE, [])
        assert _dagster(instance, following) == (DagsterRunStatus.SUCCESS, [])
        assert instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.STARTED])) == []
