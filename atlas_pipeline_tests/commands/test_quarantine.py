"""The quarantine from the command line: found by every filter, shown, replayed, discarded, with its secrets sealed."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from pymongo import MongoClient

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.commands.quarantine_filters import Filters
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.local.sample.bad_rows import BadRow
from atlas_pipeline.local.sample.generate import write_dirty_sample
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline_tests.commands import cli
from atlas_pipeline_tests.commands.conftest import SMALL
from atlas_pipeline_tests.commands.in_process import run

CATALOG = "infrastructure_atlas"
TABLES = ("users", "global_api_keys")
USERS = INFRASTRUCTURE_ATLAS.table("users")
KEY = Fernet.generate_key().decode()


@dataclass(frozen=True, kw_only=True)
class Site:
    """A dirty source, of which two tables were synced with a key.

    Attributes:
        source: The SQLite file.
        env: What commands run with.
        client: A client of the server.
        bad: The bad rows of the two tables.
    """

    source: Path
    env: cli.Environment
    client: MongoClient[dict[str, Any]]
    bad: tuple[BadRow, ...]

    def run(self, verb: str, *arguments: str, **env: str) -> cli.Said:
        return run("quarantine", verb, *arguments, env={**self.env, **env})

    def json(self, verb: str, *arguments: str) -> Any:
        return self.run(verb, *arguments, "--json").json

    def execute(self, statement: str, *parameters: Any) -> None:
        with closing(sqlite3.connect(self.source)) as source, source:
            source.execute(statement, parameters)

    def adds_up(self, table: str) -> bool:
        """Whether rows are documents and entries."""
        with closing(sqlite3.connect(self.source)) as source:
            (rows,) = source.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        entries = self.client["atlas_pipeline"]["quarantine"].count_documents({"table": table, "published": True})
        return bool(rows == entries + self.client["atlas"][table].count_documents({}))


@pytest.fixture(scope="module")
def site(
    mongo_server: MongoServer, empty_target: MongoClient[dict[str, Any]], tmp_path_factory: pytest.TempPathFactory
) -> Site:
    folder = tmp_path_factory.mktemp("quarantine")
    facts = write_dirty_sample(folder / "dirty.sqlite3", size=SMALL)
    env = {
        "ATLAS_STATE_DIR": folder / "state",
        "ATLAS_DB_URL": f"sqlite:///{folder / 'dirty.sqlite3'}",
        "MONGODB_URI": mongo_server.uri,
        "ATLAS_QUARANTINE_KEY": KEY,
    }
    said = run("sync", *(word for table in TABLES for word in ("--table", table)), env=env)
    assert said.code == 1, said.err
    bad = tuple(row for row in facts.bad_rows if row.table in TABLES)
    return Site(source=folder / "dirty.sqlite3", env=env, client=empty_target, bad=bad)


def _sealed_entry(site: Site) -> dict[str, Any]:
    """An entry of a row that can be found by its key, with a sealed text."""
    with_text = {row.key for row in site.bad if row.column != "secret" and isinstance(row.key, str)}
    found = site.client["atlas_pipeline"]["quarantine"].find({"row.secret.sealed": {"$exists": True}})
    return next(dict(entry) for entry in found if entry["key"][0] in with_text)


def _bad(site: Site, table: str, code: str) -> BadRow:
    return next(row for row in site.bad if (row.table, row.code) == (table, code))


def test_entries_are_listed_by_the_filters_that_are_given(site: Site) -> None:
    everything = site.json("list", CATALOG)
    assert everything["total"] == len(everything["entries"]) == len(site.bad)
    date = _bad(site, "users", "not_date")
    words = ("--table", "users", "--code", "not_date", "--column", date.column, "--key", str(date.key), "--limit", "1")
    found = site.json("list", *words, "--since", "2000-01-01", "--run", everything["entries"][0]["run_id"][:8])
    (entry,) = found["entries"]
    assert (entry["key"], entry["column"], entry["code"]) == (date.key, date.column, date.code)
    assert (entry["catalog"], entry["discarded"], entry["published"]) == (CATALOG, False, True)


def test_each_filter_finds_its_entries_and_no_others(site: Site) -> None:
    date = _bad(site, "users", "not_date")
    of_users = [row for row in site.bad if row.table == "users"]
    (run_id,) = site.client["atlas_pipeline"]["quarantine"].distinct("run_id")
    expected: list[tuple[dict[str, Any], int]] = [
        ({"code": "not_date"}, sum(row.code == "not_date" for row in of_users)),
        ({"column": date.column}, sum(row.column == date.column for row in of_users)),
        ({"key": str(date.key)}, 1),
        ({"run": run_id[:8]}, len(of_users)),
        ({"run": "0000"}, 0),
        ({"since": "2000-01-01"}, len(of_users)),
        ({"since": "2999-01-01T12:00"}, 0),
        ({"discarded": True}, 0),
        ({"everything": True}, len(of_users)),
    ]
    for filters, count in expected:
        condition = {"table": "users", **Filters(**filters).condition(USERS)}
        assert site.client["atlas_pipeline"]["quarantine"].count_documents(condition) == count, filters


@pytest.mark.parametrize(
    ("filters", "told"),
    [
        ({"code": "not_dat"}, "did you mean 'not_date'?"),
        ({"since": "yesterday"}, "2026-01-31"),
        ({"everything": True, "discarded": True}, "exclude each other"),
    ],
)
def test_a_filter_that_means_nothing_is_refused_with_the_cure(filters: dict[str, Any], told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Filters(**filters)
    assert told in str(refused.value)


def test_secret_values_are_sealed_and_shown_only_with_the_key_and_when_asked_for(site: Site) -> None:
    entry = _sealed_entry(site)
    with closing(sqlite3.connect(site.source)) as source:
        source.text_factory = bytes
        query = "SELECT CAST(secret AS BLOB) FROM global_api_keys WHERE id = ?"
        ((secret,),) = source.execute(query, entry["key"]).fetchall()
    closed, opened = site.run("show", entry["_id"], "--json"), site.run("show", entry["_id"], "--unseal", "--json")
    assert set(closed.json["row"]["secret"]) == {"sealed"}
    assert secret.decode() not in closed.text
    assert opened.json["row"]["secret"] == secret.decode()
    without = site.run("show", entry["_id"], "--unseal", ATLAS_QUARANTINE_KEY="")
    assert (without.code, "set ATLAS_QUARANTINE_KEY" in without.err) == (2, True)


def test_a_malformed_key_stops_a_sync_before_it_begins(site: Site) -> None:
    said = run("sync", "--table", "users", env={**site.env, "ATLAS_QUARANTINE_KEY": "no key"})
    assert said.code == 2
    assert said.err.count("ATLAS_QUARANTINE_KEY") == 1
    assert "Fernet.generate_key" in said.err
    assert "no key\n" not in said.err


def test_a_replay_lands_what_was_repaired_closes_what_is_gone_and_leaves_the_rest(site: Site) -> None:
    before = site.json("list", CATALOG)["total"]
    again = site.run("replay", "--table", "users", "--code", "not_date", "--json")
    assert again.code == 1
    assert [entry["code"] for entry in again.json["remaining"]] == ["not_date"] * len(again.json["remaining"])
    repaired = _bad(site, "users", "not_date")
    site.execute(f"UPDATE users SET {repaired.column} = '2025-05-01 10:00:00.000000' WHERE id = ?", repaired.key)
    gone = next(row for row in site.bad if row.table == "global_api_keys" and isinstance(row.key, str))
    site.execute("DELETE FROM global_api_keys WHERE id = ?", gone.key)
    landed = site.run("replay", "--key", str(repaired.key), "--table", "users", "--json")
    assert landed.code == 0, landed.err
    assert [entry["key"] for entry in landed.json["landed"]] == [repaired.key]
    assert site.client["atlas"]["users"].find_one({"_id": repaired.key}) is not None
    closed = site.run("replay", "--key", gone.key, "--table", "global_api_keys")
    assert closed.code == 0, closed.err
    assert "gone at the source" in closed.out
    assert site.json("list", CATALOG)["total"] == before - 2
    assert site.adds_up("users")
    assert site.adds_up("global_api_keys")
    nothing = site.run("replay", "--key", "nobody", "--table", "users")
    assert (nothing.code, nothing.out.strip()) == (0, "no entries")


def test_discarding_asks_hides_and_counts_and_can_be_taken_back(site: Site) -> None:
    total = site.json("list", "--table", "users")["total"]
    assert total
    asked = site.run("discard", "--table", "users")
    assert (asked.code, "--yes" in asked.err) == (2, True)
    assert site.json("discard", "--table", "users", "--yes")["discarded"] == total
    assert site.json("list", "--table", "users")["total"] == 0
    assert site.json("list", "--table", "users", "--discarded")["total"] == total
    assert site.adds_up("users")
    assert run("sync", "--table", "users", env=site.env).code == 0  # its budget is zero rows
    assert site.json("list", "--table", "users", "--discarded")["total"] == total
    (status,) = run("status", "--table", "users", "--json", env=site.env).json["tables"]
    assert (status["quarantined"], status["discarded"]) == (total, total)
    assert status["because"] == "never fully verified"  # all else holds
    assert site.run("discard", "--table", "users", "--undo", "--yes").code == 0
    assert site.json("list", "--table", "users")["total"] == total


def test_a_replay_without_a_source_ends_with_2(site: Site) -> None:
    missing = run("quarantine", "replay", "--table", "users", env={**site.env, "ATLAS_DB_URL": "sqlite:////nowhere"})
    assert missing.code == 2, missing.text
