"""Every hard row that the platform sample promises is in it, and its bad rows alone cannot be loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest

from atlas_pipeline.local.platform_sample.dirty import DIRTY_ROWS
from atlas_pipeline.local.platform_sample.generate import write_dirty_platform_sample
from atlas_pipeline.local.platform_sample.hard_anomalies import NEAR_DUPLICATES
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.platform_sample.world import SECRET_MARKER
from atlas_pipeline.local.servers import PostgresServer
from atlas_pipeline.mapping.reject import RejectCode
from atlas_pipeline_tests.local.platform_hard_rows import HARD_ROWS, ORM_ONLY, SQL_ONLY
from atlas_pipeline_tests.local.platform_oracle import KEYS, column_types, connected, delete_rows, faults
from atlas_pipeline_tests.postgres import empty_database

SECRETS = {"encrypted_access_token", "refresh_token"}


@pytest.fixture(scope="module", params=["orm", "sql"])
def dirty(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """A dirty sample, which has all rows of the clean one: its shape and URL."""
    with empty_database(postgres_server) as url:
        write_dirty_platform_sample(url, shape=request.param, size=PlatformSize.small())
        yield request.param, url


def test_every_bad_row_is_bad_for_its_reason_alone_and_no_other_row_is(dirty: tuple[str, str]) -> None:
    shape, url = dirty
    listed = [(bad.table, bad.key, bad.column, bad.code.value) for bad in DIRTY_ROWS if shape in bad.shapes]
    with connected(url) as connection:
        assert Counter(faults(connection)) == Counter(listed)


def test_there_are_bad_rows_of_every_table_and_of_every_kind_that_postgresql_can_hold() -> None:
    assert {bad.table for bad in DIRTY_ROWS} == set(KEYS)
    assert {bad.code for bad in DIRTY_ROWS} == {
        RejectCode.BAD_JSON, RejectCode.JSON_SHAPE, RejectCode.JSON_NUMBER, RejectCode.JSON_DEPTH,
        RejectCode.LONE_SURROGATE, RejectCode.NUL_IN_KEY, RejectCode.NULL_VALUE, RejectCode.TOO_LARGE,
        RejectCode.NOT_DATE,
    }  # fmt: skip
    assert len({(bad.table, bad.key) for bad in DIRTY_ROWS}) == len(DIRTY_ROWS)
    for shape in ("orm", "sql"):
        assert sum(shape in bad.shapes for bad in DIRTY_ROWS) > 150


def test_every_kind_of_hard_row_is_there(dirty: tuple[str, str]) -> None:
    shape, url = dirty
    missing = {}
    with connected(url) as connection:
        delete_rows(connection, [(bad.table, bad.key) for bad in DIRTY_ROWS])
        for what, where in {**HARD_ROWS, **(SQL_ONLY if shape == "sql" else ORM_ONLY)}.items():
            condition, least = (where, 1) if isinstance(where, str) else where
            ((found,),) = connection.execute(f"SELECT count(*) FROM {condition}")
            if found < least:
                missing[what] = found
    assert missing == {}


def test_near_duplicates_differ_as_little_as_promised(dirty: tuple[str, str]) -> None:
    query = (
        "SELECT metric, observed::text, expected::text, score::text, evidence::text FROM anomaly_events WHERE id = %s"
    )
    differences = []
    with connected(dirty[1]) as connection:
        for pair in NEAR_DUPLICATES:
            first, second = (connection.execute(query, [key]).fetchall()[0] for key in pair)
            differences.append([place for place in range(5) if first[place] != second[place]])
    assert differences == [[1], [4], []]


def test_every_ciphertext_holds_the_marker_and_nothing_else_does(dirty: tuple[str, str]) -> None:
    with connected(dirty[1]) as connection:
        for table in KEYS:
            for name, _ in column_types(connection, table):
                query = f'SELECT count(*) FILTER (WHERE "{name}"::text LIKE %s), count("{name}") FROM {table}'
                ((marked, filled),) = connection.execute(query, [f"%{SECRET_MARKER}%"])
                if name == "refresh_token":
                    filled -= 1  # one is empty
                assert marked == (filled if name in SECRETS else 0), f"{table}.{name}"
        delete_rows(connection, [(bad.table, bad.key) for bad in DIRTY_ROWS])  # copies of a good row and of its secret
        query = "SELECT count(*), count(DISTINCT encrypted_access_token) FROM composio_connections"
        ((rows, different),) = connection.execute(query)
        assert different == rows
