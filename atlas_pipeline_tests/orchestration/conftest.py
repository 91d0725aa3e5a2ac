"""A place to run the catalog's job in this process: a small source, the session's server and a Dagster instance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pymongo import MongoClient

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.orchestration.automation import job_name
from atlas_pipeline.orchestration.instance import CATALOG_TAG, open_instance
from atlas_pipeline.quality.checks import CHECKS
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.orchestration.jobs import job

CATALOG = INFRASTRUCTURE_ATLAS


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where runs happen.

    Attributes:
        settings: What the environment says.
        instance: The Dagster instance of the state folder.
        client: A client of the server.
        source: The SQLite file.
        rows: Its rows by table.
    """

    settings: Settings
    instance: dg.DagsterInstance
    client: MongoClient[dict[str, Any]]
    source: Path
    rows: Mapping[str, int]

    def run(self, *names: str) -> dg.ExecuteInProcessResult:
        """Run these assets of the catalog, as the job of the UI does."""
        keys = {dg.AssetKey([CATALOG.name, name]) for name in names}
        checks = {dg.AssetCheckKey(key, check.name) for key in keys for check in CHECKS}
        tables = {table.collection for table in CATALOG.tables}
        return (
            job(job_name(CATALOG))
            .get_subset(
                asset_selection=keys,
                asset_check_selection={one for one in checks if one.asset_key.path[-1] in tables},
            )
            .execute_in_process(
                instance=self.instance,
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                tags={CATALOG_TAG: CATALOG.name},
                raise_on_error=False,
            )
        )


@pytest.fixture
def site(mongo_server: MongoServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A place of this test alone, but for the server, which holds nothing of the catalog."""
    source = tmp_path / "source.sqlite3"
    facts = write_sample(source, size=SampleSize.default().scaled(0.005))
    monkeypatch.setenv("ATLAS_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("ATLAS_DB_URL", f"sqlite:///{source}")
    monkeypatch.setenv("MONGODB_URI", mongo_server.uri)
    monkeypatch.setenv("ATLAS_MONGODB_TIMEOUT_MS", "1000")
    settings = Settings()
    with MongoClient[dict[str, Any]](mongo_server.uri) as client, open_instance(settings) as instance:
        for database in (CATALOG.database, CATALOG.pipeline_database):
            client.drop_database(database)
        yield Site(settings=settings, instance=instance, client=client, source=source, rows=facts.rows)
        for database in (CATALOG.database, CATALOG.pipeline_database):
            client.drop_database(database)
