"""`plan` and `repair` as an operator calls them: exit codes, what machines read, and what people are told."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DIFFERENCES, EXIT_DONE
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline_tests.commands.in_process import CATALOG, ROLES, USERS, Tool, of
from atlas_pipeline_tests.reconcile.test_plan import everything

REPAIR_KEYS = [
    *("catalog", "table", "collection", "reported", "inserted", "replaced", "deleted", "quarantined"),
    *("already_equal", "left", "unrecorded", "seconds"),
]
PLAN_KEYS = [
    *("catalog", "table", "collection", "read", "inserted", "replaced", "deleted", "unchanged", "quarantined"),
    *("seconds", "status", "blocked", "bytes", "foreign", "exists", "already_quarantined", "leaving_quarantine"),
    *("estimated_from", "first_keys"),
]


def change(tool: Tool, statement: str) -> None:
    with closing(sqlite3.connect(tool.source)) as connection, connection:
        connection.execute(statement)


def disturb(tool: Tool) -> int:
    """Change all users but the first, which goes; gives how many there are."""
    users = tool.client.atlas[USERS]
    first = users.find_one({}, sort=[("_id", 1)])
    assert first is not None
    users.delete_one({"_id": first["_id"]})
    users.update_many({}, {"$set": {"role": "emperor"}})
    return users.count_documents({}) + 1


# --- repair -----------------------------------------------------------------------------------------------------------


def test_repair_puts_right_what_verify_reported_and_says_so(tool: Tool) -> None:
    tool.load(USERS)
    rows = disturb(tool)
    assert tool.verify(USERS).code == EXIT_DIFFERENCES
    said = tool.run("repair", CATALOG, *of(USERS), "--json")
    assert said.code == EXIT_DONE, said.err
    assert list(said.json) == ["ok", "tables", "left", "truncated", "not_repaired"]
    assert (said.json["ok"], said.json["left"], said.json["not_repaired"]) == (True, [], [])
    (table,) = said.json["tables"]
    assert list(table) == REPAIR_KEYS
    assert [table[name] for name in REPAIR_KEYS[:11]] == [CATALOG, USERS, USERS, rows, 1, rows - 1, 0, 0, 0, 0, 0]
    assert tool.verify(USERS).code == EXIT_DONE
    again = tool.run("repair", CATALOG, *of(USERS))
    assert again.code == EXIT_DONE
    assert "left no differences to repair" in again.out


def test_repair_without_a_verification_says_what_to_run_first(tool: Tool) -> None:
    tool.load(USERS)
    said = tool.run("repair", CATALOG, *of(USERS), "--json")
    assert said.code == EXIT_CANNOT
    assert said.json["ok"] is False
    assert "atlas-pipeline verify infrastructure_atlas --table users" in said.json["not_repaired"][0]
    assert "not repaired: users" in said.err


def test_a_table_that_cannot_be_repaired_is_named_and_the_others_are(tool: Tool) -> None:
    tool.load(USERS, ROLES)
    disturb(tool)
    tool.verify(USERS)
    said = tool.run("repair", CATALOG, *of(USERS, ROLES), "--json")
    assert said.code == EXIT_CANNOT
    assert [one["collection"] for one in said.json["tables"]] == [USERS]
    assert [one.split(":")[0] for one in said.json["not_repaired"]] == [ROLES]
    assert tool.verify(USERS).code == EXIT_DONE


def test_what_is_left_is_named_and_the_exit_code_says_so(tool: Tool) -> None:
    tool.load(USERS)
    tool.client.atlas[USERS].insert_one(
        {"_id": "of another program", "username": "x", "email": "x"}, bypass_document_validation=True
    )
    assert tool.verify(USERS).code == EXIT_DIFFERENCES
    said = tool.run("repair", CATALOG, *of(USERS))
    assert said.code == EXIT_DIFFERENCES
    assert "1 still differ" in said.out
    assert "of another program" in said.out
    as_json = tool.run("repair", CATALOG, *of(USERS), "--json").json
    assert [(one["collection"], one["key"], one["kind"]) for one in as_json["left"]] == [
        (USERS, "of another program", "extra_in_target")
    ]
    assert tool.run("repair", CATALOG, *of(USERS), "--delete-foreign").code == EXIT_DONE
    assert tool.verify(USERS).code == EXIT_DONE


def test_repair_does_not_touch_a_table_that_another_run_works_on(tool: Tool) -> None:
    tool.load(USERS)
    disturb(tool)
    tool.verify(USERS)
    run = RunIdentity(run_id="another", holder=Holder.this_process())
    table = INFRASTRUCTURE_ATLAS.table(USERS)
    with Target(tool.uri) as target:
        ledger = TableLedger(target.pipeline_database(INFRASTRUCTURE_ATLAS), INFRASTRUCTURE_ATLAS, table, run)
        with Lease(ledger.tables, ledger.table_id, run):
            said = tool.run("repair", CATALOG, *of(USERS), "--json")
    assert said.code == EXIT_CANNOT
    assert "run another" in said.json["not_repaired"][0]


def test_repair_of_a_server_that_is_not_there_cannot_be_done(tool: Tool) -> None:
    nowhere = {"MONGODB_URI": "mongodb://127.0.0.1:9", "ATLAS_MONGODB_TIMEOUT_MS": "300"}
    said = tool.run("repair", CATALOG, *of(USERS), **nowhere)
    assert said.code == EXIT_CANNOT
    assert "No MongoDB answers" in said.err


# --- plan -------------------------------------------------------------------------------------------------------------


def test_plan_says_what_the_first_sync_would_create_and_writes_nothing(tool: Tool) -> None:
    before = everything(tool.client)
    said = tool.run("plan", CATALOG, *of(USERS, ROLES), "--json")
    assert said.code == EXIT_DIFFERENCES, said.err
    assert everything(tool.client) == before
    assert list(said.json) == ["ok", "seconds", "tables", "problems"]
    for table in said.json["tables"]:
        assert list(table) == PLAN_KEYS
        assert table["read"] == table["inserted"] > 0
        assert (table["status"], table["exists"]) == ("to do", False)
        assert table["estimated_from"] == "the rate of this plan"


def test_plan_of_what_is_synced_has_nothing_to_do_until_something_changes(tool: Tool) -> None:
    tool.load(USERS)
    before = everything(tool.client)
    assert tool.run("plan", CATALOG, *of(USERS)).code == EXIT_DONE
    rows = disturb(tool)
    change(tool, "UPDATE users SET role = 'gardener' WHERE rowid = 1")
    disturbed = everything(tool.client)
    assert disturbed != before
    said = tool.run("plan", CATALOG, *of(USERS))
    assert said.code == EXIT_DIFFERENCES
    assert f"{USERS}: replaced first: " in said.out
    assert f"{USERS}: inserted first: " in said.out
    (table,) = tool.run("plan", CATALOG, *of(USERS), "--json").json["tables"]
    assert (table["inserted"], table["replaced"], table["deleted"]) == (1, rows - 1, 0)
    assert everything(tool.client) == disturbed


def test_what_would_stop_a_sync_is_said(tool: Tool) -> None:
    tool.client.atlas[USERS].insert_one({"_id": "of another program"}, bypass_document_validation=True)
    said = tool.run("plan", CATALOG, *of(USERS))
    assert said.code == EXIT_DIFFERENCES
    assert "a sync would stop" in said.out
    assert "1 foreign documents" in said.out
    as_json = tool.run("plan", CATALOG, *of(USERS), "--json").json
    assert (as_json["ok"], as_json["tables"][0]["status"]) == (False, "blocked")


def test_a_table_that_cannot_be_compared_is_named_and_the_others_are_planned(tool: Tool) -> None:
    tool.client.atlas.create_collection(USERS, capped=True, size=4096)
    said = tool.run("plan", CATALOG, *of(USERS, ROLES), "--json")
    assert said.code == EXIT_CANNOT
    assert [one["collection"] for one in said.json["tables"]] == [ROLES]
    assert said.json["problems"][0].startswith(f"{USERS}: atlas.{USERS} is a collection with the option capped")
    assert said.json["ok"] is False


def test_a_source_that_is_not_there_is_no_plan(tool: Tool) -> None:
    tool.source.unlink()
    said = tool.run("plan", CATALOG, *of(USERS), "--json")
    assert said.code == EXIT_CANNOT
    assert "does not exist" in said.json["problems"][0]
