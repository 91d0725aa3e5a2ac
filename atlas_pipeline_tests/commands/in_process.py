"""Running `atlas-pipeline` in this process, quicker than in a process of its own, and a source and a target for it.

What belongs here: commands that run to their end. What does not: those that are to be held, signalled or killed, and
what a process alone can show (`cli`).
"""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from typer.testing import CliRunner

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.cli import app
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.target import Target
from atlas_pipeline_tests.commands.cli import Environment, Said
from atlas_pipeline_tests.loading import load

CATALOG = "infrastructure_atlas"
USERS, ROLES = "users", "role_permissions"


def run(*arguments: str, env: Environment) -> Said:
    """Run a command to its end; env holds environment variables beside those of this process."""
    variables = {"COLUMNS": "160", **{name: str(value) for name, value in env.items()}}
    with _given_back(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["atlas-pipeline", *arguments])
        said = CliRunner().invoke(app, arguments, env=variables)
    assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
    return Said(code=said.exit_code, out=said.stdout, err=said.stderr)


@contextmanager
def _given_back() -> Iterator[None]:
    """What a sync takes of a process that it has for itself is afterwards as it was."""
    handler, threshold = signal.getsignal(signal.SIGTERM), gc.get_threshold()
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)
        gc.set_threshold(*threshold)
        gc.unfreeze()


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The tool with its settings, in this process."""

    source: Path
    uri: str
    client: MongoClient[dict[str, Any]]
    environment: dict[str, str]

    def run(self, *arguments: str, **environment: str) -> Said:
        """Run a command to its end; keywords are further environment variables."""
        return run(*arguments, env={**self.environment, **environment})

    def load(self, *tables: str) -> None:
        """Load tables as a sync does, without its checks."""
        source = open_source(
            INFRASTRUCTURE_ATLAS, f"sqlite:///{self.source}", copies=self.source.parent, timeout_seconds=5
        )
        with Target(self.uri) as target, source.snapshot() as snapshot:
            for name in tables:
                load(INFRASTRUCTURE_ATLAS.table(name), snapshot, target=target, catalog=INFRASTRUCTURE_ATLAS)

    def verify(self, *tables: str) -> Said:
        return self.run("verify", CATALOG, *of(*tables), "--wait", "0", "--json")


def of(*tables: str) -> list[str]:
    return [word for table in tables for word in ("--table", table)]
