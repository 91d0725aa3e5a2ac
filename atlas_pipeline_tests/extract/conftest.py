"""A PostgreSQL database that is emptied for each test, which takes a tenth of the time of a new one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from atlas_pipeline.local.servers import PostgresServer
from atlas_pipeline_tests.extract.postgres_databases import run
from atlas_pipeline_tests.postgres import empty_database

_EMPTY = """DO $$
DECLARE name TEXT;
BEGIN
  FOR name IN SELECT extname FROM pg_extension WHERE extname <> 'plpgsql' LOOP
    EXECUTE format('DROP EXTENSION %I CASCADE', name);
  END LOOP;
  FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', name);
  END LOOP;
  CREATE SCHEMA public;
END $$"""


@pytest.fixture(scope="module")
def _kept_database(postgres_server: PostgresServer) -> Iterator[str]:
    with empty_database(postgres_server) as url:
        yield url


@pytest.fixture
def emptied_database(_kept_database: str) -> str:
    """The SQLAlchemy URL of a database without anything in it. What belongs to the database itself is to be left as it
    is: its settings and its permissions.
    """
    run(_kept_database, _EMPTY)
    return _kept_database
