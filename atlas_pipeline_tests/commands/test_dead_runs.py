"""Runs in Dagster's history whose process is gone: they are ended and their pool slots freed, and no living one is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import psutil
import pytest
from dagster import DagsterRunStatus

from atlas_pipeline.load.run import Holder
from atlas_pipeline.orchestration.automation import dead_run_sensor
from atlas_pipeline.orchestration.instance import CATALOG_TAG, active_run, end_dead_runs, holder_tags, open_instance
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands.tool import CATALOG
from atlas_pipeline_tests.orchestration.jobs import job

POOL = f"{CATALOG}_source"


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(Settings(ATLAS_STATE_DIR=tmp_path)) as opened:
        yield opened


def started_run(instance: dg.DagsterInstance, holder: Holder) -> str:
    """A run of the catalog that this process began and that holds the pool's only slot; gives its id."""
    run = instance.create_run_for_job(
        job(f"sync_{CATALOG}"),
        status=DagsterRunStatus.STARTED,
        tags={CATALOG_TAG: CATALOG, **holder_tags(holder)},
    )
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default(POOL)
    assert storage.claim_concurrency_slot(POOL, run.run_id, "a_step").is_claimed
    return run.run_id


def ended_process() -> Holder:
    """A process of this machine that has come to its end."""
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as process:
        holder = Holder.this_process()
        return Holder(host=holder.host, pid=process.pid, started=psutil.Process(process.pid).create_time())


def claims(instance: dg.DagsterInstance) -> list[str]:
    return [slot.run_id for slot in instance.event_log_storage.get_concurrency_info(POOL).claimed_slots]


def status(instance: dg.DagsterInstance, run_id: str) -> DagsterRunStatus:
    run = instance.get_run_by_id(run_id)
    assert run is not None
    return run.status


def test_the_sensor_ends_a_dead_run_and_frees_its_slot(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, ended_process())
    assert claims(instance) == [run_id]
    with dg.build_sensor_context(instance=instance) as context:
        decided = dead_run_sensor.evaluate_tick(context)
    assert decided.skip_message == f"ended {run_id}"
    assert status(instance, run_id) is DagsterRunStatus.FAILURE
    assert claims(instance) == []


def test_the_sensor_leaves_a_living_run_alone(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, Holder.this_process())
    with dg.build_sensor_context(instance=instance) as context:
        decided = dead_run_sensor.evaluate_tick(context)
    assert decided.skip_message == "no dead run"
    assert status(instance, run_id) is DagsterRunStatus.STARTED
    assert claims(instance) == [run_id]


def test_a_run_of_another_machine_is_taken_for_a_living_one(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, Holder(host="elsewhere.example.org", pid=1, started=0.0))
    assert end_dead_runs(instance, CATALOG) == []
    assert status(instance, run_id) is DagsterRunStatus.STARTED


def test_a_dead_run_does_not_count_as_active(instance: dg.DagsterInstance) -> None:
    run_id = started_run(instance, ended_process())
    assert active_run(instance, CATALOG) is None
    assert status(instance, run_id) is DagsterRunStatus.FAILURE
    living = started_run(instance, Holder.this_process())
    active = active_run(instance, CATALOG)
    assert active is not None
    assert active.run_id == living
