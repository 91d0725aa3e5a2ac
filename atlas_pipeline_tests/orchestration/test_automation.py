"""Schedules as operators write them, how they give way to each other, and what follows a table by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.load.run import Holder
from atlas_pipeline.orchestration.assets import collections_asset
from atlas_pipeline.orchestration.automation import syncs_tables
from atlas_pipeline.orchestration.component import CatalogComponent
from atlas_pipeline.orchestration.index_assets import index_asset
from atlas_pipeline.orchestration.instance import (
    CATALOG_TAG,
    holder_tags,
    limit_source_pools,
    open_instance,
    source_pool,
)
from atlas_pipeline.orchestration.operations import OperationsComponent
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.sync import Cursor
from atlas_pipeline_tests.load.small import policy
from atlas_pipeline_tests.orchestration.conftest import CATALOG

PLATFORM = CATALOGS["investigation_platform"]
POLICIES = {
    "users": policy(CATALOG.table("users"), mode="reconcile"),
    "playground_sessions": policy(
        CATALOG.table("playground_sessions"), mode="watermark", cursor=Cursor(column="updated_at")
    ),
}


@pytest.fixture(scope="module")
def _catalog() -> Iterator[None]:
    """The catalog with a table of each of three policies."""
    tables = tuple(POLICIES.get(table.source, policy(table, mode="reload", cursor=None)) for table in CATALOG.tables)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(CATALOGS, CATALOG.name, replace(CATALOG, tables=tables))
        yield


def definitions(attributes: str = "", catalog: str = CATALOG.name) -> dg.Definitions:
    """What the component makes of these attributes."""
    component = CatalogComponent.resolve_from_yaml(f"catalog: {catalog}\n{attributes}")
    made = component.build_defs(dg.ComponentTree.for_test().load_context)
    return dg.Definitions.merge(made, dg.Definitions(resources={"pipeline": PipelineResource()}))


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with open_instance(Settings(ATLAS_STATE_DIR=tmp_path)) as opened:
        yield opened


@pytest.mark.usefixtures("_catalog")
def test_each_policy_that_tables_have_gets_a_job_and_a_schedule_of_its_own() -> None:
    made = definitions(
        "policy_crons: {watermark: '*/5 * * * *', reconcile: '0 * * * *', append: '* * * * *'}\n"
        "reconcile_cron: '0 1 * * *'\ntimezone: Europe/Berlin"
    )
    schedules = {schedule.job_name: schedule for schedule in made.schedules or ()}
    assert {name: schedule.cron_schedule for name, schedule in schedules.items()} == {
        f"sync_{CATALOG.name}": "0 3 * * *",
        f"sync_{CATALOG.name}_watermark": "*/5 * * * *",
        f"sync_{CATALOG.name}_reconcile": "0 * * * *",
        f"reconcile_{CATALOG.name}": "0 1 * * *",
        f"verify_{CATALOG.name}": "0 5 * * 0",
    }
    for schedule in schedules.values():
        assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
        assert schedule.execution_timezone == "Europe/Berlin"
    by_policy = made.resolve_job_def(f"sync_{CATALOG.name}_reconcile")
    assert assets_of(by_policy) == {"users", "users_indexes"}
    assert by_policy.tags[CATALOG_TAG] == CATALOG.name
    whole = made.resolve_job_def(f"reconcile_{CATALOG.name}")
    assert assets_of(whole) == {"playground_sessions", "playground_sessions_indexes"}
    config = (whole.run_config or {})["ops"][f"{CATALOG.name}__playground_sessions"]["config"]
    assert config["mode"] == "reconcile"
    assert not checks_of(whole) & checks_of(made.resolve_job_def(f"verify_{CATALOG.name}"))


def assets_of(job: dg.JobDefinition) -> set[str]:
    return {key.path[-1] for key in job.asset_layer.executable_asset_keys}


def checks_of(job: dg.JobDefinition) -> set[dg.AssetCheckKey]:
    return set(job.asset_layer.asset_graph.asset_check_keys)


@pytest.mark.usefixtures("_catalog")
@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ("policy_crons: {nightly: '0 3 * * *'}", "Input should be 'reload', 'reconcile', 'watermark' or 'append'"),
        ("policy_crons: {watermark: '61 * * * *'}", f"sync_{CATALOG.name}_watermark_schedule"),
        ("cron: every day", "Found invalid cron schedule 'every day'"),
        ("timezone: Mars", "Invalid execution timezone Mars"),
        ("fresh_hours: 2", "fresh_hours is 2, warn_hours 25"),
        ("nightly: '0 3 * * *'", "nightly"),
    ],
)
def test_a_wrong_attribute_is_refused_by_its_name(attributes: str, said: str) -> None:
    with pytest.raises(Exception, match=re.escape(said)):
        definitions(attributes)


def test_an_alerter_that_is_not_there_is_refused_when_definitions_are_loaded() -> None:
    component = OperationsComponent.resolve_from_yaml("alerters: ['nowhere.at_all:make']")
    with pytest.raises(ConfigurationError, match="nowhere"):
        component.build_defs(dg.ComponentTree.for_test().load_context)


def test_a_schedule_skips_and_says_why_while_a_run_of_its_catalog_is_active(instance: dg.DagsterInstance) -> None:
    mine, other = definitions(), definitions(catalog=PLATFORM.name)

    def ticks(made: dg.Definitions) -> list[str]:
        """What each of the schedules says: why it skips, or the catalog of its run."""
        repository = made.get_repository_def()
        said = []
        for schedule in repository.schedule_defs:
            with dg.build_schedule_context(instance=instance, repository_def=repository) as context:
                decided = schedule.evaluate_tick(context)
                said += [decided.skip_message or ""] if decided.skip_message else []
                said += [request.tags[CATALOG_TAG] for request in decided.run_requests or ()]
        return said

    run = instance.create_run_for_job(
        mine.resolve_job_def(f"sync_{CATALOG.name}"),
        status=dg.DagsterRunStatus.STARTED,
        tags={CATALOG_TAG: CATALOG.name, **holder_tags(Holder.this_process())},
    )
    assert ticks(mine) == [f"Run {run.run_id} of {CATALOG.name} is still STARTED."] * 2
    assert ticks(other) == [PLATFORM.name] * 2
    instance.report_run_failed(run)
    assert ticks(mine) == [CATALOG.name] * 2


def test_an_sqlite_source_has_one_reader_and_a_postgresql_source_as_many_as_the_setting_says(
    instance: dg.DagsterInstance,
) -> None:
    def limits() -> dict[str, int]:
        return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}

    limit_source_pools(instance, 3)
    assert limits() == {source_pool(CATALOG): 1, source_pool(PLATFORM): 3}
    instance.event_log_storage.set_concurrency_slots(source_pool(PLATFORM), 8)
    limit_source_pools(instance, 3)
    assert limits()[source_pool(PLATFORM)] == 8  # somebody set it


def test_indexes_follow_a_collection_that_was_synced_without_them_and_nothing_else() -> None:
    table = CATALOG.table("users")
    collection, indexes = collections_asset(CATALOG, [table], None), index_asset(CATALOG, table)
    both = dg.Definitions(assets=[collection, indexes], resources={"pipeline": PipelineResource()})
    with dg.DagsterInstance.ephemeral() as instance:

        def look(cursor: dg.AutomationConditionEvaluationCursor | None) -> tuple[int, object]:
            found = dg.evaluate_automation_conditions(both, instance, cursor=cursor)
            return found.total_requested, found.cursor

        def materialize(*assets: dg.AssetsDefinition) -> None:
            for asset in assets:
                instance.report_runless_asset_event(dg.AssetMaterialization(asset.key))

        requested, cursor = look(None)
        assert requested == 0
        materialize(collection, indexes)
        requested, cursor = look(cursor)
        assert requested == 0
        materialize(collection)
        requested, cursor = look(cursor)
        assert requested == 1
        requested, cursor = look(cursor)
        assert requested == 0  # once


def test_a_run_of_indexes_alone_and_a_verification_have_no_sync_to_report(instance: dg.DagsterInstance) -> None:
    made = definitions()

    def reported(job: str, *assets: str) -> bool:
        selection = frozenset(dg.AssetKey([CATALOG.name, asset]) for asset in assets) or None
        return syncs_tables(
            instance.create_run_for_job(
                made.resolve_job_def(job), asset_selection=selection, tags={CATALOG_TAG: CATALOG.name}
            )
        )

    assert reported(f"sync_{CATALOG.name}")
    assert reported(f"sync_{CATALOG.name}", "users", "users_indexes")
    assert not reported(f"sync_{CATALOG.name}", "users_indexes")
    assert not reported(f"verify_{CATALOG.name}")
