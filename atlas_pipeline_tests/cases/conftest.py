"""The two worlds that all cases share: one source database of each dialect, one MongoDB."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import MongoServer, PostgresServer
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline_tests.cases.case import WAYS, Case, Dialect
from atlas_pipeline_tests.cases.registry import all_cases
from atlas_pipeline_tests.cases.tables import table_of
from atlas_pipeline_tests.cases.world import World, connected
from atlas_pipeline_tests.postgres import empty_database

pytest.register_assert_rewrite("atlas_pipeline_tests.cases.judging", "atlas_pipeline_tests.cases.verified")


@pytest.fixture(scope="session")
def sqlite_world(mongo_server: MongoServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("cases")
    with _world("sqlite", f"sqlite:///{folder / 'cases.sqlite3'}", folder, mongo_server) as world:
        yield world


@pytest.fixture(scope="session")
def postgresql_world(
    mongo_server: MongoServer, postgres_server: PostgresServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    with (
        empty_database(postgres_server) as url,
        _world("postgresql", url, tmp_path_factory.mktemp("cases"), mongo_server) as world,
    ):
        yield world


@contextmanager
def _world(dialect: Dialect, url: str, folder: Path, server: MongoServer) -> Iterator[World]:
    database = f"cases_{uuid.uuid4().hex[:12]}"
    cases = [case for case in all_cases() if isinstance(case, Case)]
    tables = [table for case in cases for way in WAYS if (table := table_of(case, dialect, way)) is not None]
    catalog = CatalogSpec(
        name=f"cases_{dialect}",
        dialect=dialect,
        source_variable="CASES_DB_URL",
        database=database,
        tables=tuple(table.spec for table in tables),
    )
    with (
        connected(url) as connection,
        Target(server.uri) as target,
        MongoClient[dict[str, Any]](server.uri, tz_aware=True) as client,
    ):
        yield World(
            dialect=dialect,
            url=url,
            connection=connection,
            folder=folder,
            target=target,
            client=client,
            catalog=catalog,
        )
        client.drop_database(catalog.database)
        client.drop_database(catalog.pipeline_database)
