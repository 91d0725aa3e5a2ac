"""Causing faults on a real server: fail points, and waiting for what they cause.

The server must run with `enableTestCommands`. Fail points touch only clients that call themselves `atlas-pipeline`, so
a test can go on asking.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

DEADLINE_SECONDS = 30.0
_VICTIM = "atlas-pipeline"
_HELD_MS = 120_000

Client = MongoClient[dict[str, Any]]


def wait_until(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_SECONDS) -> Any:
    """Wait for an event and give what the condition gave; fails with the event's name when it does not come."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.02)
    return found


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

    def wait(self, seconds: float = DEADLINE_SECONDS) -> None:
        """Wait until one waits; fails when none comes."""
        wanted = {"timesEntered": self.met + 1, "maxTimeMS": int(seconds * 1_000)}
        self.client.admin.command({"waitForFailPoint": "failCommand", **wanted})


@contextmanager
def held(client: Client, command: str, *, skip: int | None = None, **filters: Any) -> Iterator[Held]:
    """Let the pipeline wait inside a command, before the server carries it out, for as long as the context lasts.

    What is still held then is ended without being carried out.
    """
    with failing(client, [command], skip=skip, blockConnection=True, blockTimeMS=_HELD_MS, **filters) as met:
        try:
            yield Held(client, met)
        finally:
            release(client, command)  # first, for a fail point is not off before everybody has left it


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
