"""`verify` as an operator calls it: exit codes, what machines read, and what people are told."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from bson import Int64

from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DIFFERENCES, EXIT_DONE
from atlas_pipeline_tests.commands.in_process import CATALOG, ROLES, USERS, Tool, of

TABLE_KEYS = {
    *("catalog", "table", "collection", "mode", "compared", "missing_in_target", "extra_in_target", "value"),
    *("representation", "pending", "digest", "seconds"),
}
QUICK = ("--wait", "0")


def test_what_was_synced_is_equal_in_every_mode(tool: Tool) -> None:
    tool.load(USERS)
    for mode in ("full", "sampled", "counts"):
        said = tool.run("verify", CATALOG, *of(USERS), "--mode", mode, "--json")
        assert (said.code, said.json["equal"], said.json["differences"]) == (EXIT_DONE, True, [])
        (table,) = said.json["tables"]
        assert set(table) >= TABLE_KEYS
        assert table["mode"] == mode
        assert (table["compared"] > 0) == (mode != "counts")
    assert "users" in tool.run("verify", CATALOG, *of(USERS)).out


def test_a_changed_value_is_a_difference_that_names_key_field_and_both_values(tool: Tool) -> None:
    tool.load(USERS)
    users = tool.client.atlas[USERS]
    changed = users.find_one({}, sort=[("_id", 1)])
    assert changed is not None
    users.update_one({"_id": changed["_id"]}, {"$set": {"role": "emperor"}})
    said = tool.run("verify", CATALOG, *of(USERS), *QUICK, "--json")
    assert (said.code, said.json["equal"]) == (EXIT_DIFFERENCES, False)
    (difference,) = said.json["differences"]
    assert (difference["collection"], difference["key"], difference["kind"]) == (USERS, changed["_id"], "value")
    (field,) = difference["fields"]
    assert (field["path"], field["expected"], field["actual"]) == ("role", repr(changed["role"]), "'emperor'")
    shown = tool.run("verify", CATALOG, *of(USERS), *QUICK).out
    assert changed["_id"] in shown
    assert "emperor" in shown


def test_a_pending_row_is_a_difference_only_when_strict(tool: Tool) -> None:
    tool.load(USERS)
    with closing(sqlite3.connect(tool.source)) as connection, connection:
        connection.execute("UPDATE users SET role = 'x', updated_at = '2099-01-01 00:00:00.000000' WHERE rowid = 1")
    said = tool.run("verify", CATALOG, *of(USERS), *QUICK, "--json")
    assert (said.code, said.json["tables"][0]["pending"]) == (EXIT_DONE, 1)
    assert tool.run("verify", CATALOG, *of(USERS), *QUICK, "--strict", "--json").code == EXIT_DIFFERENCES


def test_a_number_of_another_width_is_a_representation_and_fails_only_when_strict(tool: Tool) -> None:
    tool.load("ai_activity_logs")
    logs = tool.client.atlas["ai_activity_logs"]
    changed = logs.find_one({"tokens_prompt": {"$type": "int"}})
    assert changed is not None
    logs.update_one({"_id": changed["_id"]}, {"$set": {"tokens_prompt": Int64(changed["tokens_prompt"])}})
    words = ("verify", CATALOG, *of("ai_activity_logs"), *QUICK, "--json")
    said = tool.run(*words)
    assert (said.code, said.json["tables"][0]["representation"]) == (EXIT_DONE, 1)
    assert tool.run(*words, "--strict").code == EXIT_DIFFERENCES


def test_a_table_that_was_never_synced_is_not_compared_and_the_others_are(tool: Tool) -> None:
    tool.load(USERS)
    said = tool.run("verify", CATALOG, *of(ROLES, USERS), "--json")
    assert (said.code, said.json["equal"]) == (EXIT_CANNOT, False)
    (problem,) = said.json["not_compared"]
    assert problem.startswith(f"{ROLES}: atlas.{ROLES} does not exist.")
    assert [table["collection"] for table in said.json["tables"]] == [USERS]


def test_without_a_server_or_a_source_nothing_is_called_equal(tool: Tool) -> None:
    tool.load(USERS)
    nowhere = tool.run(
        "verify", CATALOG, *of(USERS), MONGODB_URI="mongodb://127.0.0.1:1/", ATLAS_MONGODB_TIMEOUT_MS="200"
    )
    assert nowhere.code == EXIT_CANNOT
    assert "No MongoDB answers" in nowhere.err
    tool.source.unlink()
    gone = tool.run("verify", CATALOG, *of(USERS), "--json")
    assert (gone.code, gone.json["equal"]) == (EXIT_CANNOT, False)
    assert "does not exist" in gone.json["not_compared"][0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--since", "a"), "--since goes with one table"),
        ((*of(USERS), "--since", "a", "--mode", "counts"), "--since goes with one table and full mode"),
        ((*of("playground_usage"), "--since", "many"), "is no key of playground_usage"),
    ],
)
def test_a_key_that_cannot_be_begun_with_is_refused(tool: Tool, words: tuple[str, ...], told: str) -> None:
    said = tool.run("verify", CATALOG, *words)
    assert said.code == EXIT_CANNOT
    assert told in said.err
