"""The error budget of a table: good rows are published whatever it is, and over it the run fails."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEventType

from atlas_pipeline.load.indexes import existing_indexes, same_definition
from atlas_pipeline.orchestration.execution import run_sync
from atlas_pipeline.quality import checks
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline.spec.sync import ErrorBudget, SyncPolicy
from atlas_pipeline_tests.orchestration.conftest import CATALOG, Site
from atlas_pipeline_tests.orchestration.jobs import loaded

USERS = CATALOG.table("users")
CHECK = "no_rejected_rows"


@pytest.fixture
def one_bad_row(site: Site) -> Site:
    """A source whose table users has one row that can be no document; its error budget is zero."""
    with closing(sqlite3.connect(site.source)) as source, source:
        source.execute("UPDATE users SET created_at = 'yesterday' WHERE id = (SELECT MIN(id) FROM users)")
    return site


def _events(result: dg.ExecuteInProcessResult, kind: DagsterEventType) -> list[Any]:
    return result.filter_events(lambda event: event.event_type is kind)


def _failure(result: dg.ExecuteInProcessResult) -> tuple[str, Any]:
    (event,) = result.filter_events(lambda event: event.is_step_failure)
    data = event.step_failure_data.user_failure_data
    assert data is not None
    return data.description or "", data.metadata["exit_code"].value


def _judged(budget: ErrorBudget, *, quarantined: int, discarded: int = 0) -> checks.CheckOutcome:
    table = replace(USERS, sync=SyncPolicy(error_budget=budget))
    counts = TableCounts(source_rows=100, documents=100 - quarantined, quarantined=quarantined, discarded=discarded)
    return checks.rejects(table, counts, [])


def test_over_the_budget_good_rows_and_all_indexes_are_there_and_the_run_fails_without_a_retry(
    one_bad_row: Site,
) -> None:
    result = one_bad_row.run("users", "users_indexes")
    assert not result.success
    description, code = _failure(result)
    assert code == 1
    assert "users was published without its bad rows" in description
    assert "over the budget of 0 rows" in description
    assert _events(result, DagsterEventType.STEP_UP_FOR_RETRY) == []
    (materialized,) = _events(result, DagsterEventType.ASSET_MATERIALIZATION)
    assert materialized.asset_key.path == [CATALOG.name, "users"]
    users = one_bad_row.client["atlas"]["users"]
    assert users.count_documents({}) == one_bad_row.rows["users"] - 1
    existing = existing_indexes(users)
    assert all(same_definition(index, existing[index.name]) for index in USERS.indexes)
    (record,) = one_bad_row.client["atlas_pipeline"]["runs"].find()
    assert (record["status"], record["indexes"]) == ("published", len(USERS.indexes))


def test_the_command_line_says_it_once_and_ends_with_1(one_bad_row: Site) -> None:
    outcome = run_sync(
        definitions=loaded(),
        catalog=CATALOG,
        tables=[USERS],
        settings=one_bad_row.settings,
        force=False,
        run_id="00000000-0000-4000-8000-000000000001",
        trigger="test",
        progress=lambda _collection, _rows: None,
    )
    assert outcome.exit_code == 1
    assert [(problem.step, CHECK in problem.description) for problem in outcome.problems] == [("users", True)]


def test_a_discarded_row_counts_against_no_budget_and_stays_in_quarantine(one_bad_row: Site) -> None:
    assert not one_bad_row.run("users", "users_indexes").success
    quarantine = one_bad_row.client["atlas_pipeline"]["quarantine"]
    quarantine.update_one({}, {"$set": {"discarded": True, "discarded_at": None}})
    result = one_bad_row.run("users", "users_indexes")
    assert result.success
    (evaluation,) = [one for one in result.get_asset_check_evaluations() if one.check_name == CHECK]
    assert evaluation.passed
    assert evaluation.description == "rows in quarantine: 1, 1 of them discarded"
    assert quarantine.count_documents({"published": True, "discarded": True}) == 1


@pytest.mark.parametrize(
    ("budget", "quarantined", "discarded", "fails"),
    [
        (ErrorBudget(), 0, 0, False),
        (ErrorBudget(), 1, 0, True),
        (ErrorBudget(), 1, 1, False),
        (ErrorBudget(rows=3), 3, 0, False),
        (ErrorBudget(rows=3), 5, 2, False),
        (ErrorBudget(rows=3), 5, 1, True),
        (ErrorBudget(rows=None, percent=5), 5, 0, False),
        (ErrorBudget(rows=None, percent=5), 6, 0, True),
        (ErrorBudget(rows=10, percent=5), 6, 0, True),
    ],
)
def test_the_budget_is_of_rows_or_percent_and_judges_what_nobody_discarded(
    budget: ErrorBudget, quarantined: int, discarded: int, fails: bool
) -> None:
    outcome = _judged(budget, quarantined=quarantined, discarded=discarded)
    assert outcome.fails_run == fails
    assert not outcome.withholds
    assert outcome.passed == (quarantined == discarded)
    assert (outcome.severity == "WARN") == (not fails)


def test_a_budget_says_what_it_allows() -> None:
    told = [str(ErrorBudget()), str(ErrorBudget(rows=None, percent=2.5)), str(ErrorBudget(rows=9, percent=1))]
    assert told == ["0 rows", "2.5 %", "9 rows and 1 %"]
    assert str(ErrorBudget(rows=None)) == "100 %"
