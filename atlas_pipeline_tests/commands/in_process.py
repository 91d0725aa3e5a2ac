"""The tool called in this process, which is quicker than a process of its own, on a source and a target of one test."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from typer.testing import CliRunner

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.cli import app
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.reload import Reload
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target

CATALOG = "infrastructure_atlas"
USERS, ROLES = "users", "role_permissions"


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The tool with its settings, in this process."""

    source: Path
    uri: str
    client: MongoClient[dict[str, Any]]
    environment: dict[str, str]

    def run(self, *arguments: str, **environment: str) -> Said:
        said = CliRunner().invoke(app, arguments, env={**self.environment, **environment})
        assert said.exception is None or isinstance(said.exception, SystemExit), said.exception
        return Said(code=said.exit_code, out=said.stdout, err=said.stderr)

    def load(self, *tables: str) -> None:
        """Load tables as a sync does, without its checks."""
        source = open_source(
            INFRASTRUCTURE_ATLAS, f"sqlite:///{self.source}", copies=self.source.parent, timeout_seconds=5
        )
        with Target(self.uri) as target, source.snapshot() as snapshot:
            for name in tables:
                run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
                table = INFRASTRUCTURE_ATLAS.table(name)
                with Reload(
                    target=target, catalog=INFRASTRUCTURE_ATLAS, table=table, snapshot=snapshot, run=run
                ) as load:
                    load.copy()
                    load.build()
                    load.publish()

    def verify(self, *tables: str) -> Said:
        return self.run("verify", CATALOG, *of(*tables), "--wait", "0", "--json")


def of(*tables: str) -> list[str]:
    return [word for table in tables for word in ("--table", table)]
