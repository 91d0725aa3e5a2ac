"""A source with bad rows: each is in quarantine once with its reason, and every good row is loaded."""

from __future__ import annotations

from collections import Counter
from typing import Any

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.commands.conftest import AGAIN, Dirty
from atlas_pipeline_tests.commands.in_process import run

TABLES = {table.source: table for table in INFRASTRUCTURE_ATLAS.tables}


def _expected(dirty: Dirty, *, repaired: bool) -> Counter[tuple[Any, ...]]:
    bad_rows = [bad for bad in dirty.facts.bad_rows if not (repaired and bad == dirty.repaired)]
    return Counter((bad.table, bad.key, bad.column, bad.code) for bad in bad_rows)


def _found(entries: Any) -> Counter[tuple[Any, ...]]:
    return Counter((entry["table"], *entry["key"], entry["column"], entry["code"]) for entry in entries)


def _bad_rows_of(dirty: Dirty, table: TableSpec) -> int:
    return sum(bad.table == table.source for bad in dirty.facts.bad_rows)


def test_a_run_with_bad_rows_ends_with_exit_code_1_and_says_which_tables_have_them(dirty: Dirty) -> None:
    assert dirty.first.code == dirty.second.code == 1, dirty.first
    assert dirty.first.json["ok"] is False
    told = {line.split(":")[0].removeprefix("failed ") for line in dirty.first.err.splitlines() if "quarantine" in line}
    assert told == {TABLES[bad.table].collection for bad in dirty.facts.bad_rows}
    assert "Traceback" not in dirty.first.text + dirty.second.text


def test_each_bad_row_is_in_quarantine_once_with_table_key_column_and_code(dirty: Dirty) -> None:
    assert _found(dirty.quarantine) == _expected(dirty, repaired=False)
    assert all(entry["reason"] and entry["published"] for entry in dirty.quarantine)
    assert {entry["catalog"] for entry in dirty.quarantine} == {"infrastructure_atlas"}


def test_the_raw_row_is_kept_with_its_secrets_left_out(dirty: Dirty) -> None:
    for entry in dirty.quarantine:
        table = TABLES[entry["table"]]
        assert list(entry["row"]) == list(table.column_names)
        secret = {column.name for column in table.columns if column.secret}
        assert all(entry["row"][name] in (None, {"left_out": "secret"}) for name in secret)


def test_every_good_row_is_loaded(dirty: Dirty) -> None:
    records = dirty.first.json["tables"]
    assert [record["table"] for record in records] == list(TABLES)
    for record in records:
        table = TABLES[record["table"]]
        rows, bad = dirty.facts.rows[table.source], _bad_rows_of(dirty, table)
        assert (record["read"], record["inserted"], record["quarantined"]) == (rows, rows - bad, bad), record
        repaired = table.source == dirty.repaired.table
        assert dirty.client["atlas"][table.collection].count_documents({}) == rows - bad + repaired


def test_running_again_doubles_nothing_and_the_repaired_row_leaves_the_quarantine(dirty: Dirty) -> None:
    now = list(dirty.client["atlas_pipeline"]["quarantine"].find())
    assert _found(now) == _expected(dirty, repaired=True)
    assert {entry["run_id"] for entry in now} == {dirty.first.json["run_id"]}  # by which what is published is known
    assert dirty.client["atlas"]["users"].find_one({"_id": dirty.repaired.key}) is not None


def test_a_row_keeps_the_time_at_which_it_was_first_refused(dirty: Dirty) -> None:
    def identity(entry: dict[str, Any]) -> tuple[Any, ...]:
        return entry["table"], *entry["key"], entry["column"], entry["code"]

    first_seen = {identity(entry): entry["first_seen"] for entry in dirty.quarantine}
    seen_again = set()
    for entry in dirty.client["atlas_pipeline"]["quarantine"].find():
        assert entry["first_seen"] == first_seen[identity(entry)], entry["_id"]
        seen_again |= {entry["table"]} if entry["last_seen"] > entry["first_seen"] else set()
    assert "users" in seen_again <= set(AGAIN)  # rows without a usable key are looked at when one beside them changes


def test_the_quarantine_command_lists_them_and_finds_them_by_table_and_code(dirty: Dirty) -> None:
    everything = run("quarantine", "list", "--json", "--limit", "1000", env=dirty.env).json
    assert everything["total"] == len(everything["entries"]) == sum(_expected(dirty, repaired=True).values())
    some = run("quarantine", "list", "--table", "chat_messages", "--code", "not_utf8", "--json", env=dirty.env).json
    (entry,) = some["entries"]
    assert (entry["table"], entry["column"], entry["code"]) == ("chat_messages", "content", "not_utf8")
    shown = run("quarantine", "show", entry["id"], "--json", env=dirty.env).json
    assert shown["row"]["id"] == entry["key"]
    assert shown["row"]["content"] == {"not_utf8": "0x636166e920fffe"}
    assert "row.content" in run("quarantine", "show", entry["id"], env=dirty.env).out


def test_status_says_that_a_table_with_quarantined_rows_is_not_ready(dirty: Dirty) -> None:
    tables = run("status", "--json", env=dirty.env).json["tables"]
    for row in tables:
        bad = _bad_rows_of(dirty, TABLES[row["table"]]) - (row["table"] == dirty.repaired.table)
        assert row["quarantined"] == bad
        assert row["ready"] is False
        rejected = f"{bad:,} rows in quarantine; " if bad else ""
        assert row["because"] == f"{rejected}never fully verified"
