"""Causing faults on a real server: fail points, and waiting for what they cause.

The server must run with `enableTestCommands`. Where a fail point can tell, it touches only clients that call themselves
`atlas-pipeline`, so a test can go on asking.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from atlas_pipeline_tests.waiting import DEADLINE_SECONDS, wait_until

_VICTIM = "atlas-pipeline"
_PAUSE = "hangDuringBatchInsert"
_HELD_MS = 600_000  # longer than anybody waits

Client = MongoClient[dict[str, Any]]


@contextmanager
def failing(
    client: Client, commands: Sequence[str], *, times: int | None = None, skip: int | None = None, **fault: Any
) -> Iterator[int]:
    """Let commands of the pipeline fail. Gives how often this kind of fault was met before.

    Args:
        client: Any client.
        commands: Names of commands.
        times: How often; always unless given.
        skip: How many to let pass first.
        fault: What happens, as the fail point `failCommand` takes it.
    """
    mode: Any = {"times": times} if times else {"skip": skip} if skip else "alwaysOn"
    data = {"failCommands": list(commands), "appName": _VICTIM, **fault}
    met = client.admin.command({"configureFailPoint": "failCommand", "mode": mode, "data": data})["count"]
    try:
        yield met
    finally:
        client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


@dataclass(frozen=True)
class Held:
    """Commands that wait on the server."""

    client: Client
    met: int
    fail_point: str = "failCommand"

    def release_when(self, command: str) -> None:
        """Let it go on as soon as the server works on such a command of the pipeline."""
        try:
            wait_until(lambda: held_operations(self.client, command), command)
        finally:
            self.client.admin.command({"configureFailPoint": self.fail_point, "mode": "off"})

    def wait(self) -> None:
        """Wait until one waits; fails when none comes."""
        wanted = {"timesEntered": self.met + 1, "maxTimeMS": int(DEADLINE_SECONDS * 1_000)}
        self.client.admin.command({"waitForFailPoint": self.fail_point, **wanted})


@contextmanager
def held(
    client: Client, command: str, *, skip: int | None = None, times: int | None = None, **filters: Any
) -> Iterator[Held]:
    """Let the pipeline wait inside a command, before the server carries it out, for as long as the context lasts.

    What is still held then is ended without being carried out.
    """
    mode = {"skip": skip, "times": times}
    with failing(client, [command], **mode, blockConnection=True, blockTimeMS=_HELD_MS, **filters) as met:
        try:
            yield Held(client, met)
        finally:
            release(client, command)  # first, for a fail point is not off before everybody has left it


@contextmanager
def hung_index_build(client: Client, identifier: str) -> Iterator[Held]:
    """Let the server stop in the middle of an index build, at the document with this `_id`."""
    name = "hangIndexBuildDuringCollectionScanPhaseBeforeInsertion"
    at = {"fieldsToMatch": {"_id": identifier}}
    met = client.admin.command({"configureFailPoint": name, "mode": "alwaysOn", "data": at})["count"]
    try:
        yield Held(client, met, name)
    finally:
        client.admin.command({"configureFailPoint": name, "mode": "off"})


def held_operations(client: Client, command: str) -> list[dict[str, Any]]:
    """What the server is doing for the pipeline under this command's name."""
    operations = client.admin.aggregate([{"$currentOp": {"allUsers": True}}])
    return [one for one in operations if one.get("appName") == _VICTIM and command in (one.get("command") or {})]


def release(client: Client, command: str) -> None:
    """End the held commands without carrying them out."""
    for operation in held_operations(client, command):
        try:
            client.admin.command("killOp", op=operation["opid"])
        except OperationFailure:
            continue  # it ended by itself meanwhile, as the next look shows
    wait_until(lambda: not held_operations(client, command), f"the end of every held {command}")


class PausedInserts:
    """While the context lasts, the server pauses in the middle of every insert; then it goes on with it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> PausedInserts:
        self._client.admin.command("configureFailPoint", _PAUSE, mode="alwaysOn")
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()

    def go_on(self) -> None:
        """Let the paused inserts go on, and all later ones pass."""
        self._client.admin.command("configureFailPoint", _PAUSE, mode="off")

    def wait(self, process: subprocess.Popen[str]) -> None:
        """Wait until an insert of the pipeline is paused, for the server inserts documents of its own as well.

        Args:
            process: Who is to insert; fails with what it said when it ends before.
        """

        def is_paused() -> bool:
            assert process.poll() is None, process.communicate()
            return any(one.get("failpointMsg") == _PAUSE for one in held_operations(self._client, "insert"))

        wait_until(is_paused, "a paused insert")
