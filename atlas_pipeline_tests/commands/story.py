"""The story that `test_cli` tells: its place, and what happens there, part by part in this order.

Here: what is done. Not here: what has to come of it.
"""

from __future__ import annotations

import signal
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import dagster as dg
from pymongo import MongoClient

from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.orchestration.instance import open_instance
from atlas_pipeline_tests.commands.cli import Said, ended
from atlas_pipeline_tests.commands.tool import CATALOG, Client, Tool, server_in
from atlas_pipeline_tests.load.faults import PausedInserts, held, held_operations
from atlas_pipeline_tests.orchestration.jobs import loaded
from atlas_pipeline_tests.waiting import wait_until

Content = tuple[Any, bytes]
Interrupted = dict[signal.Signals, tuple[Tool, Said]]

SYNC_USERS = ("sync", CATALOG, "--table", "users", "--json")
RELOAD_USERS = (*SYNC_USERS, "--mode", "reload")
MARK = "this row lies elsewhere"
_TINY = SampleSize.default().scaled(0.0001)


@dataclass(frozen=True, kw_only=True)
class Place:
    """A server, a source and the tool, before anything was synced.

    Attributes:
        folder: Of this place alone.
        tool: The tool for the source and the server that the story is about.
        client: Of that server.
        elsewhere: The tool for another server, another source and another state folder.
        elsewhere_client: Of that other server.
        rows: Rows of the source by table.
    """

    folder: Path
    tool: Tool
    client: Client
    elsewhere: Tool
    elsewhere_client: Client
    rows: Mapping[str, int]

    def add_user(self, name: str) -> None:
        """Add a copy of a user at the source, under this name and id."""
        with closing(sqlite3.connect(self.tool.source)) as database, database:
            database.execute("CREATE TEMP TABLE added AS SELECT * FROM users LIMIT 1")
            database.execute("UPDATE added SET id = :name, username = :name", {"name": name})
            database.execute("INSERT INTO users SELECT * FROM added")

    def without(self, table: str, column: str) -> Tool:
        """The tool for a copy of the source in which a table lacks a column."""
        copy = self.tool.source.with_name(f"without_{column}.sqlite3")
        with closing(sqlite3.connect(self.tool.source)) as database, closing(sqlite3.connect(copy)) as other:
            database.backup(other)
            other.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        return replace(self.tool, source=copy)


def content(client: Client, collection: str) -> Content:
    """A collection's identity and all bytes of its documents."""
    (info,) = client.atlas.list_collections(filter={"name": collection})
    batches: Any = client.atlas[collection].find_raw_batches({}, sort=[("_id", 1)])
    return info["info"]["uuid"], b"".join(batches)


def findings(said: Said, state: str) -> dict[str, str]:
    """What `doctor` says in this state, by subject."""
    return {each["subject"]: each["detail"] for each in said.json["findings"] if each["state"] == state}


@contextmanager
def opened_place(folder: Path, uri: str, client: Client) -> Iterator[Place]:
    """The place, with one document of the application in a collection of the server that is given."""
    here, there = folder / "here" / "source.sqlite3", folder / "there" / "source.sqlite3"
    facts = write_sample(here, size=_TINY)
    write_sample(there, size=_TINY, seed=1)
    with closing(sqlite3.connect(there)) as database, database:
        database.execute("UPDATE role_permissions SET description = ?", (MARK,))
    with (
        server_in(folder / "other_server") as other_uri,
        MongoClient[dict[str, Any]](other_uri) as other_client,
    ):
        client.atlas.chat_sessions.insert_one(
            {"_id": "theirs", "written_by": "the application"}, bypass_document_validation=True
        )
        yield Place(
            folder=folder,
            tool=Tool(state=folder / "state", source=here, uri=uri),
            client=client,
            elsewhere=Tool(state=folder / "other_state", source=there, uri=other_uri),
            elsewhere_client=other_client,
            rows=facts.rows,
        )


@dataclass(frozen=True, kw_only=True)
class First:
    """The first syncs, at the same time.

    Attributes:
        here: Of `users`.
        elsewhere: Of `role_permissions`, on the other server.
        theirs: The content of a collection that nobody named, from before.
        users: The content of `users` after the sync.
    """

    here: Said
    elsewhere: Said
    theirs: Content
    users: Content


def sync_for_the_first_time(place: Place) -> First:
    """Sync one table here and another one elsewhere."""
    theirs = content(place.client, "chat_sessions")
    with place.tool.start(*SYNC_USERS) as here:
        said_elsewhere = place.elsewhere.run("sync", "--table", "role_permissions", "--json")
        said = ended(here)
    return First(here=said, elsewhere=said_elsewhere, theirs=theirs, users=content(place.client, "users"))


def look_at_users(place: Place) -> dict[str, Said]:
    """What `status` and `doctor` say of the table."""
    looks = {name: (name, CATALOG, "--table", "users", "--json") for name in ("status", "doctor")}
    return {name: place.tool.run(*words) for name, words in looks.items()}


def interrupt_two_syncs(place: Place) -> Interrupted:
    """Tell two syncs to end while the server holds their load: of a table that is live, and of one that is not."""
    other = replace(place.tool, state=place.folder / "state_of_another_operator")
    with (
        place.tool.start(*RELOAD_USERS) as users,
        other.start("sync", CATALOG, "--table", "role_permissions", "--json") as roles,
    ):
        with held(place.client, "insert"):
            wait_until(lambda: len(held_operations(place.client, "insert")) == 2, "two loads")
            users.send_signal(signal.SIGINT)
            roles.send_signal(signal.SIGTERM)
        return {signal.SIGINT: (place.tool, ended(users)), signal.SIGTERM: (other, ended(roles))}


def kill_a_sync(place: Place) -> str:
    """Kill a process in the middle of its load; the id of its run, which Dagster still takes for a living one."""
    with place.tool.start(*RELOAD_USERS) as running, held(place.client, "insert"):
        wait_until(lambda: held_operations(place.client, "insert"), "a load")
        run_id = holder_of_users(place)
        running.kill()
        running.wait()
    with open_instance(place.tool.settings) as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert run.status is dg.DagsterRunStatus.STARTED
    return run_id


def disturb(place: Place) -> None:
    """A row more at the source, an index less on the collection, and one there that is not ours."""
    place.add_user("added-later")
    place.client.atlas.users.drop_index("idx_email")
    place.client.atlas.users.create_index("system_username", name="theirs")


@dataclass(frozen=True, kw_only=True)
class Again:
    """Two syncs of `users` at once.

    Attributes:
        first_run: Id of the run that holds the table.
        second: What the other one said meanwhile.
        skipped: Why the schedule requested no run meanwhile.
        first: What the first one said when it was let go.
        requested: Tags of the runs that the schedule requests then.
    """

    first_run: str
    second: Said
    skipped: str | None
    first: Said
    requested: list[dict[str, str]]


def sync_twice_at_once(place: Place) -> Again:
    """Pause a sync in its load, try another one and the schedule, and let it go."""
    with place.tool.start(*RELOAD_USERS) as running:
        with PausedInserts(place.client) as pause:
            pause.wait(running)
            first_run = holder_of_users(place)
            second = place.tool.run(*SYNC_USERS)
            skipped, _ = _tick(place)
        first = ended(running)
    _, requested = _tick(place)
    return Again(first_run=first_run, second=second, skipped=skipped, first=first, requested=requested)


def holder_of_users(place: Place) -> str:
    """Id of the run that holds the lease of the table."""
    state = place.client.atlas_pipeline.tables.find_one({"_id": f"{CATALOG}.users"})
    assert state is not None
    return str(state["lease"]["run_id"])


def _tick(place: Place) -> tuple[str | None, list[dict[str, str]]]:
    """What the schedule of the catalog decides now: why it skips, or the tags of the runs that it requests."""
    schedule = loaded().resolve_schedule_def(f"sync_{CATALOG}_schedule")
    with open_instance(place.tool.settings) as instance, dg.build_schedule_context(instance=instance) as context:
        decided = schedule.evaluate_tick(context)
    return decided.skip_message, [dict(request.tags) for request in decided.run_requests or ()]
