"""The operator's tool with its settings, on a server of a test module's own.

Here: what the tests of whole stories share. Not here: the process itself (`cli`), and what it has to say.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.commands.cli import Said, started
from atlas_pipeline_tests.commands.in_process import run
from atlas_pipeline_tests.conftest import TEST_COMMANDS

Client = MongoClient[dict[str, Any]]

CATALOG = "infrastructure_atlas"


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
        """Run a command to its end, in this process."""
        return run(*arguments, env=self.environment)


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
