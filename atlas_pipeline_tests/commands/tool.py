"""The operator's tool with its settings, on a server of a test module's own, and a way to pause that server.

Here: what the tests of whole stories share. Not here: the process itself (`cli`), and what it has to say.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands.cli import Said, run, started
from atlas_pipeline_tests.conftest import TEST_COMMANDS

Client = MongoClient[dict[str, Any]]

CATALOG = "infrastructure_atlas"
DEADLINE_SECONDS = 120.0
_AT_ONCE = 2
_PAUSE = "hangDuringBatchInsert"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The operator's tool.

    Attributes:
        state: ATLAS_STATE_DIR.
        source: The SQLite file of ATLAS_DB_URL.
        uri: MONGODB_URI.
    """

    state: Path
    source: Path
    uri: str

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ATLAS_STATE_DIR": str(self.state),
            "ATLAS_DB_URL": f"sqlite:///{self.source}",
            "MONGODB_URI": self.uri,
            "ATLAS_REPORTS_URL": "http://reports.example.org",
        }

    @property
    def settings(self) -> Settings:
        return Settings(**self.environment)

    def start(self, *arguments: str) -> AbstractContextManager[subprocess.Popen[str]]:
        """A command that is running; it is dead at the latest when the context ends."""
        return started(*arguments, env=self.environment)

    def run(self, *arguments: str) -> Said:
        """Run a command to its end."""
        return run(*arguments, env=self.environment)

    def run_each(self, *commands: tuple[str, ...]) -> list[Said]:
        """Run commands that do not disturb each other, as many at once as a small machine has processors."""
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(lambda arguments: self.run(*arguments), commands))


def table(said: Said, collection: str) -> dict[str, Any]:
    """What the JSON of `sync` or `status` says of one collection."""
    (found,) = (each for each in said.json["tables"] if each["collection"] == collection)
    assert isinstance(found, dict)
    return found


@contextmanager
def server_in(folder: Path) -> Iterator[str]:
    """A server with its data and log in this folder, that takes fail points; gives its connection string."""
    with mongodb(Settings(ATLAS_STATE_DIR=folder, ATLAS_MONGOD_CACHE_GB=0.25), extra_args=TEST_COMMANDS) as server:
        yield server.uri


class PausedInserts:
    """While the context lasts, the server pauses in the middle of every insert; then it goes on with it."""

    def __init__(self, client: Client) -> None:
        self._admin = client.admin
        self._before = 0

    def __enter__(self) -> PausedInserts:
        self._before = self._admin.command("configureFailPoint", _PAUSE, mode="alwaysOn")["count"]
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()

    def go_on(self) -> None:
        """Let the paused inserts go on, and all later ones pass."""
        self._admin.command("configureFailPoint", _PAUSE, mode="off")

    def wait(self) -> None:
        """Wait until an insert is paused; fails when none comes."""
        milliseconds = int(DEADLINE_SECONDS * 1000)
        self._admin.command("waitForFailPoint", _PAUSE, timesEntered=self._before + 1, maxTimeMS=milliseconds)
