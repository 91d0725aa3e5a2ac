"""A table that is loaded in ranges, in Dagster: its steps, its runs in several processes, and runs that are killed."""

from __future__ import annotations

import os
import signal
import subprocess
from dataclasses import replace
from typing import Any

import dagster as dg
import psutil
import pytest

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.definitions import defs
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.staging import staging_name
from atlas_pipeline.orchestration.component import CatalogComponent
from atlas_pipeline.orchestration.executors import executor_of
from atlas_pipeline.orchestration.instance import end_dead_runs, holder_tags, source_pool
from atlas_pipeline.quality.checks import CHECKS, REFERENCES
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.load.faults import failing, held
from atlas_pipeline_tests.orchestration import ranged_jobs
from atlas_pipeline_tests.orchestration.conftest import CATALOG, Site
from atlas_pipeline_tests.orchestration.ranged_jobs import QUIET, RANGES, TABLE, TAGS, ranged_job
from atlas_pipeline_tests.programs import started
from atlas_pipeline_tests.waiting import wait_until

STEP = f"{CATALOG.name}__{TABLE.collection}"
INDEXES = f"{STEP}_indexes"
KEY = dg.AssetKey([CATALOG.name, TABLE.collection])
INDEXES_KEY = dg.AssetKey([CATALOG.name, f"{TABLE.collection}_indexes"])


def _ranges(*numbers: int) -> set[str]:
    return {f"{STEP}.load_range[{number:06}]" for number in numbers}


ALL = {f"{STEP}.plan", *_ranges(*range(RANGES)), f"{STEP}.finish", INDEXES}


def _run(site: Site, **config: Any) -> dg.ExecuteInProcessResult:
    asked = {"ops": {STEP: {"config": config}}} if config else {}
    checks = {dg.AssetCheckKey(KEY, check.name) for check in CHECKS}
    part = ranged_job().get_subset(asset_selection={KEY, INDEXES_KEY}, asset_check_selection=checks)
    return part.execute_in_process(
        instance=site.instance, run_config={**QUIET, **asked}, tags=TAGS, raise_on_error=False
    )


def _steps(site: Site, run_id: str) -> set[str]:
    """The steps of a run that came to their end."""
    events = site.instance.all_logs(run_id, of_type=dg.DagsterEventType.STEP_SUCCESS)
    return {event.get_dagster_event().step_key or "" for event in events}


def _state(site: Site) -> dict[str, Any]:
    found = site.client[CATALOG.pipeline_database]["tables"].find_one({"_id": f"{CATALOG.name}.{TABLE.collection}"})
    assert found is not None
    return found


def _require_synced(site: Site) -> None:
    """The collection has all rows, and nothing of the load is left."""
    database = site.client[CATALOG.database]
    assert database[TABLE.collection].count_documents({}) == site.rows[TABLE.source]
    assert [name for name in database.list_collection_names() if "__staging_" in name] == []
    assert site.client[CATALOG.pipeline_database]["stretches"].count_documents({}) == 0
    state = _state(site)
    assert (state["lease"], state["swap"], state["staging"]) == (None, None, [])
    assert state["published"]["checks"]
    assert all(check["passed"] or not check["blocking"] for check in state["published"]["checks"])


def test_a_load_in_ranges_is_a_plan_a_step_for_each_range_and_an_end_and_no_data_passes_between_them(
    site: Site,
) -> None:
    result = _run(site)
    assert result.success
    assert {event.step_key for event in result.all_events if event.is_step_success} == ALL
    assert [event for event in result.all_events if event.is_handled_output or event.is_loaded_input] == []
    evaluated = result.get_asset_check_evaluations()
    assert {one.check_name for one in evaluated} == {check.name for check in CHECKS}
    assert {one.check_name for one in evaluated if not one.passed} <= {REFERENCES.name}  # the sample has orphans
    (made,) = result.asset_materializations_for_node(f"{STEP}.finish")
    facts = {name: value.value for name, value in made.metadata.items()}
    assert (facts["mode"], facts["documents"]) == ("reload", site.rows[TABLE.source])
    assert facts["key_ranges"] == facts["key_ranges_unchanged"] == RANGES
    _require_synced(site)
    digest = facts["digest"]

    in_place = _run(site)
    assert {event.step_key for event in in_place.all_events if event.is_step_success} == ALL - _ranges(*range(RANGES))
    (made,) = in_place.asset_materializations_for_node(f"{STEP}.finish")
    assert made.metadata["mode"].value == "reconcile"

    again = _run(site, mode="reload")
    assert {event.step_key for event in again.all_events if event.is_step_success} == ALL
    (made,) = again.asset_materializations_for_node(f"{STEP}.finish")
    assert made.metadata["digest"].value == digest


def _holders(site: Site) -> list[Holder]:
    """The processes that work on the table."""
    lease = _state(site).get("lease") or {}
    return [Holder.from_document(one) for one in lease.get("holders", [])]


def _loaded(site: Site) -> set[int]:
    """The ranges that are planned and loaded."""
    return {one["number"] for one in site.client[CATALOG.pipeline_database]["stretches"].find({"loaded": True})}


def _holder(process: subprocess.Popen[str]) -> Holder:
    host, started_at = Holder.this_process().host, psutil.Process(process.pid).create_time()
    return Holder(host=host, pid=process.pid, started=started_at)


def _only_run(site: Site) -> dg.DagsterRun:
    (run,) = site.instance.get_runs()
    return run


def test_a_worker_that_is_killed_is_started_again_for_its_range_alone_and_the_result_verifies(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ATLAS_EXECUTOR", "multiprocess")
    monkeypatch.setenv("ATLAS_EXECUTOR_PROCESSES", "2")
    site.instance.event_log_storage.set_concurrency_slots(source_pool(CATALOG), 2)
    with started(ranged_jobs.__name__) as process:
        run = wait_until(lambda: next(iter(site.instance.get_runs()), None), "a run")
        staging = staging_name(TABLE.collection, RunIdentity(run_id=run.run_id, holder=Holder.this_process()))
        with held(site.client, "insert", times=1, namespace=f"{CATALOG.database}.{staging}") as insert:
            insert.wait()
            wait_until(lambda: len(_loaded(site)) == RANGES - 1 and len(_holders(site)) == 1, "all other ranges")
            (worker,) = _holders(site)
            assert worker.pid != process.pid
            assert _only_run(site).tags == {**run.tags, **holder_tags(_holder(process))}
            os.kill(worker.pid, signal.SIGKILL)
            wait_until(worker.known_dead, "the end of the worker")
            assert end_dead_runs(site.instance, CATALOG.name) == []
        said = process.communicate()
    assert process.returncode == 0, said
    assert _steps(site, run.run_id) == ALL
    events = site.instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_UP_FOR_RETRY)
    (again,) = {event.get_dagster_event().step_key or "" for event in events}
    assert again in _ranges(*range(RANGES))
    _require_synced(site)


def test_a_run_that_is_killed_leaves_the_next_one_only_the_ranges_that_are_missing(site: Site) -> None:
    with started(ranged_jobs.__name__) as process, held(site.client, "insert", skip=5) as insert:
        insert.wait()
        process.kill()
        process.wait()
    run = _only_run(site)
    loaded = _loaded(site)
    assert 0 < len(loaded) < RANGES
    assert end_dead_runs(site.instance, CATALOG.name) == [run.run_id]  # as the sensor and the command line do
    result = _run(site)
    assert result.success
    succeeded = {event.step_key for event in result.all_events if event.is_step_success}
    assert succeeded == ALL - _ranges(*loaded)
    _require_synced(site)


def test_a_run_that_is_started_again_from_where_it_failed_plans_nothing_anew(site: Site) -> None:
    job = dg.reconstructable(ranged_job)
    with failing(site.client, ["insert"], skip=3, errorCode=2):  # after the plan and the first range
        failed = dg.execute_job(job, site.instance, run_config=QUIET, tags=TAGS)
    assert not failed.success
    assert _loaded(site) == {0}
    options = dg.ReexecutionOptions.from_failure(failed.run_id, site.instance)
    again = dg.execute_job(job, site.instance, run_config=QUIET, tags=TAGS, reexecution_options=options)
    assert again.success
    assert _steps(site, again.run_id) == ALL - {f"{STEP}.plan"} - _ranges(0)
    _require_synced(site)


def test_a_catalog_makes_several_steps_of_a_table_in_ranges_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    mixed = replace(CATALOG, tables=tuple(TABLE if one.source == TABLE.source else one for one in CATALOG.tables))
    monkeypatch.setitem(CATALOGS, CATALOG.name, mixed)
    made = CatalogComponent(catalog=CATALOG.name).build_defs(dg.ComponentTree.for_test().load_context)
    several = {
        asset.node_def.name
        for asset in made.assets or ()
        if isinstance(asset, dg.AssetsDefinition) and _has_steps(asset)
    }
    assert several == {STEP}


def _has_steps(asset: dg.AssetsDefinition) -> bool:
    return asset.is_executable and isinstance(asset.node_def, dg.GraphDefinition)


@pytest.mark.parametrize("name", ["in_process", "multiprocess"])
def test_the_setting_chooses_the_executor_of_all_jobs(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATLAS_EXECUTOR", name)
    made = defs()
    assert executor_of(Settings()).name == name
    names = {job.executor_def.name for job in made.resolve_all_job_defs()}
    assert names == {name}
