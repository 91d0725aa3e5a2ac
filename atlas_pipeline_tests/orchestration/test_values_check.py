"""The check of all values: it has a job of its own, names what differs, and can stand before the swap."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from atlas_pipeline.definitions import defs
from atlas_pipeline.orchestration.assets import collections_asset
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.orchestration.verification import values_asset_check
from atlas_pipeline.quality.values import VALUES
from atlas_pipeline_tests.load.small import policy
from atlas_pipeline_tests.orchestration.conftest import CATALOG, Site

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
USERS = dg.AssetKey([CATALOG.name, "users"])


def verified(site: Site) -> dg.ExecuteInProcessResult:
    """A run of the job that verifies, for users alone."""
    job = defs().resolve_job_def(f"verify_{CATALOG.name}")
    return job.get_subset(asset_check_selection={dg.AssetCheckKey(USERS, VALUES.name)}).execute_in_process(
        instance=site.instance, run_config=QUIET, raise_on_error=False
    )


def told(result: dg.ExecuteInProcessResult) -> tuple[dg.AssetCheckEvaluation, dict[str, Any]]:
    (evaluation,) = [one for one in result.get_asset_check_evaluations() if one.check_name == VALUES.name]
    return evaluation, {name: value.value for name, value in evaluation.metadata.items()}


def test_a_synced_table_is_verified_value_by_value_by_a_job_of_its_own(site: Site) -> None:
    synced = site.run("users")
    assert synced.success
    assert VALUES.name not in {one.check_name for one in synced.get_asset_check_evaluations()}
    evaluation, facts = told(verified(site))
    assert evaluation.passed
    assert (facts["compared"], facts["equal"], facts["persisted"]) == (site.rows["users"], site.rows["users"], 0)
    published = site.client[CATALOG.pipeline_database]["tables"].find_one({"_id": f"{CATALOG.name}.users"})
    assert published is not None
    assert facts["digest"] == published["published"]["digest"]


def test_a_changed_value_fails_the_check_and_is_named_with_both_values(site: Site) -> None:
    site.run("users")
    users = site.client["atlas"]["users"]
    changed = users.find_one({}, sort=[("_id", 1)])
    assert changed is not None
    users.update_one({"_id": changed["_id"]}, {"$set": {"role": "somebody else"}})
    result = verified(site)
    assert result.success
    evaluation, facts = told(result)
    assert not evaluation.passed
    assert (facts["value"], facts["missing_in_target"], facts["extra_in_target"]) == (1, 0, 0)
    (example,) = [record.data for record in evaluation.metadata["examples"].records]
    assert (example["key"], example["kind"], example["field"]) == (changed["_id"], "value", "role")
    assert (example["expected"], example["actual"]) == (repr(changed["role"]), "'somebody else'")
    assert (example["expected_type"], example["actual_type"]) == ("string", "string")


def test_a_table_that_was_never_synced_fails_the_step_with_the_cure(site: Site) -> None:
    result = verified(site)
    assert not result.success
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    data = failure.step_failure_data.user_failure_data
    assert data is not None
    assert "atlas.users does not exist. Cure: sync the table first" in (data.description or "")


@pytest.mark.parametrize(("values", "blocking"), [("report", False), ("block", True), ("before_publish", True)])
def test_the_policy_says_whether_the_check_blocks(values: str, blocking: bool) -> None:
    check = values_asset_check(CATALOG, policy(CATALOG.table("users"), mode="reload", values=values))
    (spec,) = check.check_specs
    assert spec.blocking is blocking


def test_values_can_be_compared_before_the_swap_and_are_told_as_that_check(site: Site) -> None:
    users = policy(CATALOG.table("users"), mode="reload", values="before_publish")
    catalog = replace(CATALOG, tables=tuple(users if one.source == "users" else one for one in CATALOG.tables))
    result = dg.materialize(
        [collections_asset(catalog, [users], None)],
        resources={"pipeline": PipelineResource()},
        instance=site.instance,
        run_config=QUIET,
    )
    assert result.success
    evaluation, facts = told(result)
    assert (evaluation.asset_key, evaluation.passed, facts["equal"]) == (USERS, True, site.rows["users"])
    kept = site.client[CATALOG.pipeline_database]["runs"].find_one({"run_id": result.run_id})
    assert kept is not None
    assert VALUES.name in [check["name"] for check in kept["checks"]]
