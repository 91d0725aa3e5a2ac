"""What the doctor says of columns and validators, in this process."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import replace

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.catalogs.investigation_platform.catalog import INVESTIGATION_PLATFORM as PLATFORM
from atlas_pipeline.commands.findings import LARGE_ROWS, recommends_ranges
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DONE
from atlas_pipeline_tests.commands.cli import Said
from atlas_pipeline_tests.commands.in_process import CATALOG, USERS, Tool, of
from atlas_pipeline_tests.load.small import policy


def told(said: Said, subject: str) -> list[tuple[str, str]]:
    """State and detail of what was said of a subject."""
    return [(one["state"], one["detail"]) for one in said.json["findings"] if one["subject"] == subject]


def examined(tool: Tool) -> Said:
    return tool.run("doctor", CATALOG, *of(USERS), "--json")


def change(tool: Tool, statement: str) -> None:
    with closing(sqlite3.connect(tool.source)) as source, source:
        source.execute(statement)


def test_it_says_how_it_stands_with_the_validator(tool: Tool) -> None:
    tool.load(USERS)
    subject = f"{USERS}: validator"
    assert told(examined(tool), subject) == [("ok", "strict, error")]
    tool.client["atlas"].command("collMod", USERS, validator={})
    assert told(examined(tool), subject) == [("note", "it is not the one of the spec")]
    tool.client["atlas"].command("collMod", USERS, validator={"role": {"$exists": True}})
    said = examined(tool)
    assert said.code == EXIT_DONE
    ((state, detail),) = told(said, subject)
    assert state == "note"
    assert "did not make" in detail


def test_it_says_what_stands_against_a_sync_in_the_columns(tool: Tool) -> None:
    tool.load(USERS)
    subject = f"schema of {USERS}"
    assert told(examined(tool), subject) == [("ok", "as the catalog describes it")]
    change(tool, f"ALTER TABLE {USERS} ADD COLUMN late TEXT")
    assert told(examined(tool), subject) == [("note", "columns that are not moved: late")]
    columns = [{"name": name, "sql_type": "TEXT"} for name in ("id", "username")]  # what a last sync may have seen
    tool.client["atlas_pipeline"]["tables"].update_one(
        {"_id": f"{CATALOG}.{USERS}"}, {"$set": {"published.schema": {"columns": columns}}}
    )
    said = examined(tool)
    assert said.code == EXIT_CANNOT
    ((state, detail), *_) = told(said, subject)
    assert state == "wrong"
    assert "not there at its last sync: late TEXT" in detail


def test_it_recommends_ranges_for_a_large_table_that_several_can_read_and_for_no_other() -> None:
    large = PLATFORM.table("anomaly_events")
    assert recommends_ranges(PLATFORM, large, LARGE_ROWS)
    assert not recommends_ranges(PLATFORM, large, LARGE_ROWS - 1)
    assert not recommends_ranges(PLATFORM, policy(large, load="ranged"), LARGE_ROWS)
    assert not recommends_ranges(replace(PLATFORM, publish="together"), large, LARGE_ROWS)
    assert not recommends_ranges(INFRASTRUCTURE_ATLAS, INFRASTRUCTURE_ATLAS.table("chat_messages"), LARGE_ROWS)
    series = next(table for table in PLATFORM.tables if table.storage == "time_series")
    assert not recommends_ranges(PLATFORM, series, LARGE_ROWS)
