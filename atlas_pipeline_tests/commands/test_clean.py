"""`clean` by the command line: it lists, asks, and removes what the pipeline made and nothing else."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import EXIT_CANNOT, EXIT_DONE
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline_tests.commands.in_process import CATALOG, USERS, Tool

KEYS = ["catalog", "kind", "place", "count", "why", "kept", "removed"]


@pytest.fixture
def failed(tool: Tool) -> Tool:
    """A target with a table that is published, and with what a run left that failed afterwards."""
    tool.load(USERS)
    source = open_source(INFRASTRUCTURE_ATLAS, f"sqlite:///{tool.source}", copies=tool.source.parent, timeout_seconds=5)
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    with Target(tool.uri) as target, source.snapshot() as snapshot:
        given: dict[str, Any] = {"catalog": INFRASTRUCTURE_ATLAS, "table": INFRASTRUCTURE_ATLAS.table(USERS)}
        with Reload(target=target, snapshot=snapshot, run=run, **given) as load:
            load.copy()
    return tool


def stagings(tool: Tool) -> list[str]:
    return [name for name in tool.client["atlas"].list_collection_names() if "__staging_" in name]


def test_without_a_terminal_it_only_lists_until_it_is_told_yes(failed: Tool) -> None:
    before = stagings(failed)
    listed = failed.run("clean", CATALOG)
    assert (listed.code, stagings(failed)) == (EXIT_DONE, before)
    assert "Nothing was removed. With --yes it is." in listed.out
    assert before[0] in "".join(listed.out.split())
    removed = failed.run("clean", CATALOG, "--yes")
    assert (removed.code, stagings(failed)) == (EXIT_DONE, [])
    assert failed.run("clean", CATALOG).out.strip() == "Nothing to clean."
    assert failed.client["atlas"][USERS].count_documents({}) > 0


def test_for_machines_it_tells_what_there_is_what_stays_and_what_is_gone(failed: Tool) -> None:
    failed.client["atlas"].create_collection("users__staging_0123456789ab")
    failed.client["atlas"].create_collection("users__staging_area")
    listed = failed.run("clean", "--json").json
    assert (listed["ok"], listed["removed"]) == (True, False)
    assert all(list(one) == KEYS for one in listed["leftovers"])
    assert {one["removed"] for one in listed["leftovers"]} == {False}
    assert {one["kind"] for one in listed["leftovers"]} == {"staging collections", "key ranges"}
    removed = failed.run("clean", "--yes", "--json").json
    gone = [one for one in removed["leftovers"] if one["removed"]]
    (kept,) = (one for one in removed["leftovers"] if one["kept"])
    assert len(gone) == len(listed["leftovers"]) - 1
    assert (kept["place"], kept["removed"]) == ("atlas.users__staging_0123456789ab", False)
    assert sorted(stagings(failed)) == ["users__staging_0123456789ab", "users__staging_area"]


def test_a_server_that_is_away_ends_it_with_2_and_a_catalog_that_is_none_too(tool: Tool) -> None:
    away = tool.run("clean", CATALOG, "--yes", MONGODB_URI="mongodb://127.0.0.1:9/", ATLAS_MONGODB_TIMEOUT_MS="200")
    assert (away.code, "127.0.0.1:9" in away.err) == (EXIT_CANNOT, True)
    assert tool.run("clean", "nothing").code == EXIT_CANNOT
    assert tool.run("clean", ATLAS_RETENTION_DAYS="0").code == EXIT_CANNOT
