"""The status board: what it says of a table at each step from the first load to the cut-over, and how it is watched."""

from __future__ import annotations

import json
import signal
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.commands.watching import Seen, watch
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DONE, ConfigurationError, TargetError
from atlas_pipeline.load import indexes
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.reporting.board import TableStatus, age, as_markdown
from atlas_pipeline.reporting.readiness import Verification, last_verification
from atlas_pipeline.reporting.status_board import catalog_status
from atlas_pipeline.spec.sync import Cursor, SyncPolicy
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.in_process import CATALOG, ROLES, USERS, Tool
from atlas_pipeline_tests.load.faults import failing

TABLE = INFRASTRUCTURE_ATLAS.table(USERS)


class SeenEnoughError(Exception):
    """What ends a watch here, as Ctrl-C does for a user."""


def line(tool: Tool, table: str = USERS, *options: str) -> dict[str, Any]:
    """What the board says of one table."""
    said = tool.run("status", CATALOG, "--table", table, "--json", *options)
    assert said.code == EXIT_DONE, said.err
    (row,) = said.json["tables"]
    return dict(row)


def load(tool: Tool, *names: str) -> None:
    """Load tables and make their indexes, as a sync does."""
    tool.load(*names)
    for name in names:
        indexes.ensure(tool.client["atlas"][name], INFRASTRUCTURE_ATLAS.table(name).indexes, comment="")


def change(tool: Tool, statement: str) -> None:
    with closing(sqlite3.connect(tool.source)) as source, source:
        source.execute(statement)


def sync_in_place(tool: Tool) -> None:
    """Let the ledger say that the table was brought in step by a run that changed nothing."""
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    ledger = TableLedger(tool.client["atlas_pipeline"], INFRASTRUCTURE_ATLAS, TABLE, run)
    ledger.synced({}, whole=True, by_cursor=False)


@contextmanager
def worked_on(tool: Tool) -> Iterator[str]:
    """A living run that holds the table; gives its id."""
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    with Lease(tool.client["atlas_pipeline"]["tables"], f"{CATALOG}.{USERS}", run):
        yield run.run_id


def test_a_table_is_ready_once_every_value_was_equal_and_until_it_is_loaded_anew(tool: Tool) -> None:
    load(tool, USERS)
    loaded = line(tool)
    assert (loaded["ready"], loaded["because"]) == (False, "never fully verified")
    assert (loaded["last_verified"], loaded["verified_equal"], loaded["verified_mode"]) == (None, None, None)
    tool.verify(USERS)
    verified = line(tool)
    assert verified["ready"], verified["because"]
    assert (verified["verified_equal"], verified["verified_mode"]) == (True, "full")
    assert verified["because"].endswith("every value was equal when it was verified")
    sync_in_place(tool)
    in_place = line(tool)
    assert in_place["ready"], in_place["because"]
    assert in_place["last_sync"] >= in_place["last_verified"] == verified["last_verified"]
    load(tool, USERS)
    again = line(tool)
    assert (again["ready"], again["last_verified"]) == (False, verified["last_verified"])
    assert again["because"] == "the collection was loaded anew since the last full verification; verify it"


def test_a_verification_of_a_part_or_by_counts_makes_no_table_ready(tool: Tool) -> None:
    load(tool, USERS)
    tool.run("verify", CATALOG, "--table", USERS, "--mode", "counts")
    tool.run("verify", CATALOG, "--table", USERS, "--since", "a")
    assert line(tool)["because"] == "never fully verified"


def test_differences_stand_against_a_table_until_they_are_repaired_and_it_is_verified_again(tool: Tool) -> None:
    load(tool, USERS)
    tool.client["atlas"][USERS].update_one({}, {"$set": {"username": "somebody else"}}, bypass_document_validation=True)
    tool.verify(USERS)
    differs = line(tool)
    assert (differs["ready"], differs["verified_equal"]) == (False, False)
    assert differs["because"] == "1 differences were found by a verification; repair or sync"
    assert tool.run("repair", CATALOG, "--table", USERS).code == EXIT_DONE
    assert line(tool)["because"].endswith("verify again")
    tool.verify(USERS)
    repaired = line(tool)
    assert repaired["ready"], repaired["because"]


def test_the_board_tells_policy_lag_and_who_works_on_the_table(tool: Tool) -> None:
    load(tool, USERS)
    row = line(tool)
    assert (row["policy"], row["counts"], row["running"], row["failed"]) == (TABLE.sync.mode, "now", None, None)
    assert (row["indexes"], row["indexes_wanted"]) == (len(TABLE.indexes), len(TABLE.indexes))
    since = datetime.now(UTC) - datetime.fromisoformat(row["last_sync"])
    assert 0 <= row["lag_seconds"] <= since.total_seconds() + 1
    with worked_on(tool) as run_id:
        running = line(tool)["running"]
        assert running["run_id"] == run_id
        assert running["process"] == str(Holder.this_process())
        shown = tool.run("status", CATALOG, "--table", USERS)
        assert "running" in shown.out
    assert line(tool)["running"] is None


def test_the_lag_of_a_table_with_a_cursor_is_counted_from_its_watermark(tool: Tool) -> None:
    tool.load(USERS)
    watermark = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    tool.client["atlas_pipeline"]["tables"].update_one({}, {"$set": {"published.watermark": watermark}})
    by_cursor = replace(TABLE, sync=SyncPolicy(mode="watermark", cursor=Cursor(column="updated_at")))
    with Target(tool.uri) as target:
        one, other = catalog_status(target, INFRASTRUCTURE_ATLAS, [by_cursor, TABLE], None)
    assert (one.policy, one.watermark, other.watermark) == ("watermark", watermark, None)
    assert one.lag_seconds is not None
    assert other.lag_seconds is not None
    assert other.lag_seconds + 3_000 < one.lag_seconds < 4_000


def test_a_table_whose_values_were_all_compared_before_the_swap_needs_no_further_verification() -> None:
    now = datetime.now(UTC)
    checks = [{"name": "values_match_source", "passed": True, "severity": "ERROR", "blocking": True}]
    state: dict[str, Any] = {"published": {"at": now, "spec": TABLE.fingerprint, "checks": checks}}
    found = last_verification(TABLE, state)
    assert found == Verification(at=now, mode="before_publish", equal=True, stale="")
    later = {"at": now + timedelta(days=1), "mode": "full", "adds_up": False, "spec": "another", "uuid": "one"}
    state["verified"] = {**later, "counts": {"kinds": {"value": 0}}}
    assert last_verification(TABLE, state) == Verification(
        at=later["at"], mode="full", equal=False, stale="the spec changed since the last full verification"
    )


def test_a_run_that_failed_after_the_last_good_one_is_told_with_its_error(tool: Tool) -> None:
    load(tool, ROLES)
    roles = tool.client["atlas"][ROLES]
    roles.insert_one({"_id": "by the application"}, bypass_document_validation=True)
    with pytest.raises(TargetError, match="foreign"):
        load(tool, ROLES)
    row = line(tool, ROLES)
    assert "foreign" in row["failed"]["error"]
    assert row["failed"]["at"] >= row["last_sync"]
    assert "the last run failed: " in row["because"]
    roles.delete_one({"_id": "by the application"})
    load(tool, ROLES)
    assert line(tool, ROLES)["failed"] is None


def test_a_column_that_is_new_at_the_source_is_drift(tool: Tool) -> None:
    load(tool, USERS)
    assert line(tool)["drift"] == []
    change(tool, "ALTER TABLE users ADD COLUMN shoe_size INTEGER")
    (sentence,) = line(tool)["drift"]
    assert "shoe_size" in sentence
    assert "shoe_size" in tool.run("status", CATALOG, "--table", USERS).out
    change(tool, "ALTER TABLE users RENAME COLUMN email TO mail")
    row = line(tool)
    assert (row["source_rows"], row["ready"]) == (None, False)
    assert "email" in row["because"]


def test_without_counts_the_source_is_not_touched_and_the_last_sync_s_counts_are_shown(tool: Tool) -> None:
    load(tool, USERS)
    counted = line(tool)
    tool.source.unlink()
    recorded = line(tool, USERS, "--no-counts")
    assert recorded["counts"] == "last sync"
    for name in ("source_rows", "documents", "quarantined", "indexes", "last_sync"):
        assert recorded[name] == counted[name]
    assert tool.run("status", CATALOG, "--table", USERS).code == EXIT_CANNOT


def test_a_board_for_people_has_the_verdict_and_a_board_in_markdown_has_a_line_for_each_table(tool: Tool) -> None:
    load(tool, USERS)
    shown = tool.run("status", CATALOG, "--table", USERS, COLUMNS="240").out
    assert "never fully verified" in " ".join(shown.split())
    with Target(tool.uri) as target:
        lines = as_markdown(catalog_status(target, INFRASTRUCTURE_ATLAS, INFRASTRUCTURE_ATLAS.tables, None)).split("\n")
    assert len(lines) == 2 + len(INFRASTRUCTURE_ATLAS.tables)
    assert {one.count("|") for one in lines} == {10}
    (users,) = (one for one in lines if one.startswith(f"| {USERS} |"))
    assert users.endswith("| never | no, because never fully verified |")
    assert sum("no, because never synced" in one for one in lines) == len(INFRASTRUCTURE_ATLAS.tables) - 1


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(None, ""), (0.4, "0 s"), (119.0, "119 s"), (121.0, "2 min"), (7_201.0, "2 h"), (200_000, "2 d")],
)
def test_an_age_is_told_in_its_largest_unit(seconds: float | None, told: str) -> None:
    assert age(seconds) == told


def test_a_watch_goes_on_through_an_outage_and_tells_since_when_and_why(tool: Tool) -> None:
    load(tool, USERS)
    seen: list[Seen[list[TableStatus]]] = []
    with Target(tool.uri) as target:

        def show(one: Seen[list[TableStatus]]) -> None:
            seen.append(one)
            if len(seen) == 5:
                raise SeenEnoughError

        def look() -> list[TableStatus]:
            if len(seen) in (2, 3):
                with failing(tool.client, ["find"], closeConnection=True):
                    return catalog_status(target, INFRASTRUCTURE_ATLAS, [TABLE], None)
            return catalog_status(target, INFRASTRUCTURE_ATLAS, [TABLE], None)

        with pytest.raises(SeenEnoughError):
            watch(look, show, seconds=0.01)
    assert [one.outage is None for one in seen] == [True, True, False, False, True]
    first, second = seen[2].outage, seen[3].outage
    assert first is not None
    assert second is not None
    assert "MongoDB at" in first.why
    assert first.since == second.since
    assert seen[2].what == seen[3].what == seen[1].what
    assert seen[4].at > seen[1].at == seen[3].at


def test_a_watch_that_cannot_begin_or_is_configured_wrongly_ends_with_the_error() -> None:
    looks = iter([["something"], None])

    def look() -> list[str]:
        found = next(looks)
        if found is None:
            raise ConfigurationError("The source's URL is wrong.", "correct it")
        return found

    with pytest.raises(ConfigurationError):
        watch(look, lambda _: None, seconds=0.01)
    with pytest.raises(StopIteration):
        watch(look, lambda _: None, seconds=0.01)


def test_watching_gives_a_line_of_json_for_each_look_and_ctrl_c_ends_it_with_0(tool: Tool) -> None:
    load(tool, USERS)
    command = ("status", CATALOG, "--table", USERS, "--watch", "--interval", "0.1", "--json")
    with cli.started(*command, env=tool.environment) as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.send_signal(signal.SIGINT)
        said = cli.ended(process)
    assert said.code == EXIT_DONE, said.err
    assert said.err == ""
    for one in lines:
        assert list(one) == ["at", "away", "tables"]
        assert one["away"] is None
        (row,) = one["tables"]
        assert (row["collection"], row["counts"], row["because"]) == (USERS, "last sync", "never fully verified")
