"""What people are told of runs: what failed, once, and that it recovered, when it did."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState, FreshnessStateChange

from atlas_pipeline.orchestration.alert_sensor import alert_sensor
from atlas_pipeline.orchestration.failures import SAID_BY_CHECK
from atlas_pipeline.orchestration.instance import CATALOG_TAG
from atlas_pipeline.quality.checks import REJECTS
from atlas_pipeline_tests.orchestration.conftest import CATALOG, Site
from atlas_pipeline_tests.orchestration.receivers import Webhook, webhook

SENSOR = alert_sensor()
USERS = dg.AssetKey([CATALOG.name, "users"])
STEP = f"{CATALOG.name}__users"
CHECK = f"users: {REJECTS.name}"
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
Tick = Callable[[dg.DagsterInstance], list[dict[str, Any]]]


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as opened:
        yield opened


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Webhook]:
    with webhook() as taken:
        monkeypatch.setenv("ATLAS_ALERT_WEBHOOK_URL", taken.url)
        yield taken


@pytest.fixture
def tick(hook: Webhook) -> Tick:
    """Let the sensor look, and give the alerts that a webhook got of it."""
    cursor: list[str | None] = [None]

    def look(instance: dg.DagsterInstance) -> list[dict[str, Any]]:
        already = len(hook.posts)
        with dg.build_sensor_context(instance=instance, cursor=cursor[0]) as context:
            cursor[0] = SENSOR.evaluate_tick(context).cursor
        return hook.alerts[already:]

    return look


def run(instance: dg.DagsterInstance, *, fails: dict[str, Any] | None = None, rejected: bool = False) -> str:
    """A run of an asset of the catalog that does as it is told; gives its id.

    Args:
        instance: Where.
        fails: Metadata of the failure, when it is to fail.
        rejected: Whether its check is to fail.
    """

    @dg.asset(key=USERS, check_specs=[dg.AssetCheckSpec(REJECTS.name, asset=USERS)])
    def users() -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        yield dg.AssetCheckResult(passed=not rejected, check_name=REJECTS.name, description="3 rows are in quarantine")
        yield dg.MaterializeResult()
        if fails is not None:
            raise dg.Failure("users lacks column email. Cure: bring it back", fails, allow_retries=False)

    tags = {CATALOG_TAG: CATALOG.name}
    return dg.materialize([users], instance=instance, tags=tags, run_config=QUIET, raise_on_error=False).run_id


def told(alerts: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
    return [(one["event"], one["run_id"], [fault["what"] for fault in one["faults"]]) for one in alerts]


def test_a_failure_is_told_once_with_its_cure_and_so_is_the_recovery(instance: dg.DagsterInstance, tick: Tick) -> None:
    assert tick(instance) == []
    failed = run(instance, fails={"cure": "bring it back"})
    (alert,) = tick(instance)
    assert alert["faults"] == [{"what": STEP, "message": "users lacks column email.", "cure": "bring it back"}]
    run(instance, fails={"cure": "bring it back"})
    assert tick(instance) == []
    well = run(instance)
    (recovery,) = tick(instance)
    assert told([alert, recovery]) == [("failed", failed, [STEP]), ("recovered", well, [STEP])]
    run(instance)
    assert tick(instance) == []


def test_a_check_that_fails_is_told_with_its_cure_though_the_run_succeeds(
    instance: dg.DagsterInstance, tick: Tick
) -> None:
    assert tick(instance) == []
    run(instance, rejected=True)
    (alert,) = tick(instance)
    assert alert["faults"] == [
        {"what": CHECK, "message": "3 rows are in quarantine", "cure": "see `atlas-pipeline quarantine list`"}
    ]
    run(instance)
    assert [(event, what) for event, _, what in told(tick(instance))] == [("recovered", [CHECK])]


def test_a_failure_that_a_check_tells_is_told_once(instance: dg.DagsterInstance, tick: Tick) -> None:
    assert tick(instance) == []
    failed = run(instance, fails={SAID_BY_CHECK: True}, rejected=True)
    assert told(tick(instance)) == [("failed", failed, [CHECK])]


def test_another_fault_of_a_table_that_fails_already_is_told(instance: dg.DagsterInstance, tick: Tick) -> None:
    assert tick(instance) == []
    run(instance, rejected=True)
    worse = run(instance, rejected=True, fails={})
    assert told(tick(instance))[1:] == [("failed", worse, [CHECK, STEP])]


def test_what_ended_while_nobody_looked_is_told_in_its_order_and_what_was_before_is_not(
    instance: dg.DagsterInstance, tick: Tick
) -> None:
    run(instance, rejected=True)
    assert tick(instance) == []
    failed, well = run(instance, rejected=True), run(instance)
    assert told(tick(instance)) == [("failed", failed, [CHECK]), ("recovered", well, [CHECK])]


def test_the_text_of_a_foreign_error_is_not_told(instance: dg.DagsterInstance, tick: Tick) -> None:
    @dg.asset(key=USERS)
    def users() -> None:
        raise ValueError("the value of a row")

    assert tick(instance) == []
    dg.materialize([users], instance=instance, tags={CATALOG_TAG: CATALOG.name}, run_config=QUIET, raise_on_error=False)
    (alert,) = tick(instance)
    assert "the value of a row" not in json.dumps(alert)
    assert told([alert])[0][2] == [STEP]


def test_a_run_that_died_is_told_by_its_job_and_one_of_no_catalog_is_not(
    instance: dg.DagsterInstance, tick: Tick
) -> None:
    @dg.job
    def sync_it() -> None:
        """Never begun."""

    assert tick(instance) == []
    for tags in ({CATALOG_TAG: CATALOG.name}, {}):
        begun = instance.create_run_for_job(sync_it, tags=tags)
        instance.report_run_failed(begun, "The run died: its process is gone.")
    (alert,) = tick(instance)
    assert alert["faults"] == [{"what": "job sync_it", "message": "The run died: its process is gone.", "cure": ""}]


def test_a_webhook_that_is_gone_does_not_stop_the_sensor(
    instance: dg.DagsterInstance, tick: Tick, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tick(instance) == []
    run(instance, rejected=True)
    with monkeypatch.context() as patched:
        patched.setenv("ATLAS_ALERT_WEBHOOK_URL", "http://127.0.0.1:1/")
        assert tick(instance) == []
    run(instance)
    assert [event for event, _, _ in told(tick(instance))] == ["recovered"]


def test_a_collection_that_becomes_stale_is_told_and_that_it_is_fresh_again(
    instance: dg.DagsterInstance, tick: Tick
) -> None:
    def becomes(state: FreshnessState, before: FreshnessState) -> None:
        """What the daemon does once a collection is older than its policy allows."""
        instance._report_runless_asset_event(
            FreshnessStateChange(key=USERS, new_state=state, previous_state=before, state_change_timestamp=0.0)
        )

    assert tick(instance) == []
    becomes(FreshnessState.FAIL, FreshnessState.PASS)
    assert told(tick(instance)) == [("stale", "", ["users: freshness"])]
    assert tick(instance) == []
    becomes(FreshnessState.PASS, FreshnessState.FAIL)
    assert told(tick(instance)) == [("recovered", "", ["users: freshness"])]


def test_a_column_dropped_at_the_source_is_told_with_links_and_so_is_its_return(site: Site, tick: Tick) -> None:
    def rename(before: str, after: str) -> None:
        with closing(sqlite3.connect(site.source)) as source, source:
            source.execute(f"ALTER TABLE vcenter_configs RENAME COLUMN {before} TO {after}")

    assert tick(site.instance) == []
    rename("username", "user_name")
    failed = site.run("vcenter_configs")
    (alert,) = tick(site.instance)
    assert told([alert]) == [("failed", failed.run_id, [f"{CATALOG.name}__vcenter_configs"])]
    assert "lacks column username" in alert["text"]
    assert alert["ui"] == f"{site.settings.ui_url}/runs/{failed.run_id}"
    assert alert["report"] == f"{site.settings.reports_url}/reports/{failed.run_id}/index.html"
    rename("user_name", "username")
    well = site.run("vcenter_configs")
    assert told(tick(site.instance)) == [("recovered", well.run_id, [f"{CATALOG.name}__vcenter_configs"])]
