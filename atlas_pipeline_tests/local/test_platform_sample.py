"""The sample of the investigation platform: its sizes, its schema, and that it is the same every time."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from atlas_pipeline.errors import ConfigurationError, ServerUnavailableError
from atlas_pipeline.local.platform_sample.__main__ import main
from atlas_pipeline.local.platform_sample.dirty import DIRTY_ROWS
from atlas_pipeline.local.platform_sample.generate import write_platform_sample
from atlas_pipeline.local.platform_sample.size import PlatformSize
from atlas_pipeline.local.platform_sample.store import count_rows
from atlas_pipeline.local.platform_sample.tables import HARD, ORDINARY
from atlas_pipeline.local.platform_sample.world import World
from atlas_pipeline.local.servers import PostgresServer
from atlas_pipeline_tests.local.platform_oracle import KEYS, connected, delete_rows
from atlas_pipeline_tests.local.platform_schema import (
    DESCENDING_ALWAYS,
    DESCENDING_IN_SQL,
    FORBIDDEN,
    INDEXES,
    NOW,
    columns_of,
)
from atlas_pipeline_tests.postgres import empty_database

SMALL = PlatformSize.small()
SHAPES = ("orm", "sql")


@pytest.fixture(scope="module", params=SHAPES)
def sample(request: pytest.FixtureRequest, postgres_server: PostgresServer) -> Iterator[tuple[str, str]]:
    """A sample that no test changes: its shape and URL."""
    with empty_database(postgres_server) as url:
        write_platform_sample(url, shape=request.param, size=SMALL)
        yield request.param, url


def checksums(connection: psycopg.Connection[Any]) -> dict[str, str]:
    found = {}
    for table in KEYS:
        query = f"SELECT md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM {table} t"
        ((found[table],),) = connection.execute(query)
    return found


def test_the_default_is_the_size_of_the_reported_production() -> None:
    size = PlatformSize()
    assert {table: size.rows(table) for table in KEYS} == {
        "investigation_states": 5_163,
        "detectors": 56,
        "detection_runs": 8_901,
        "anomaly_events": 12_456,
        "transaction_scores": 20_000,
        "investigation_audit_log": 120_904,
        "investigation_templates": 240,
        "composio_connections": 310,
        "composio_action_audit": 4_200,
        "soar_playbook_executions": 1_250,
    }
    assert {table: size.times(10).rows(table) for table in KEYS} == {t: size.rows(t) * 10 for t in KEYS}


@pytest.mark.parametrize("wrong", [{"detectors": 0}, {"scored_investigations": 9_999}])
def test_a_size_that_cannot_be_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ConfigurationError, match=r"9999|detectors"):
        PlatformSize(**wrong)


def test_every_table_has_its_ordinary_and_its_hard_rows(sample: tuple[str, str]) -> None:
    shape, url = sample
    world = World(SMALL, "sql" if shape == "sql" else "orm")
    hard = {table: sum(1 for _ in HARD[table](world)) for table in KEYS}
    assert min(hard.values()) > 30
    assert count_rows(url) == {table: SMALL.rows(table) + hard[table] for table in KEYS}


@pytest.mark.parametrize("factor", [1, 2])
def test_without_hard_rows_a_table_has_as_many_rows_as_its_size_says(factor: int) -> None:
    size = SMALL.times(factor)
    world = World(size, "orm")
    assert {table: sum(1 for _ in rows(world)) for table, rows in ORDINARY.items()} == {t: size.rows(t) for t in KEYS}


def test_another_process_elsewhere_writes_the_same_facts_and_dirty_ones_beside_them(
    sample: tuple[str, str], postgres_database: str
) -> None:
    shape, url = sample
    program = (
        "import sys; from atlas_pipeline.local.platform_sample.generate import write_dirty_platform_sample as write; "
        "from atlas_pipeline.local.platform_sample.size import PlatformSize; "
        "write(sys.argv[1], shape=sys.argv[2], size=PlatformSize.small())"
    )
    elsewhere = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "PGTZ": "America/New_York", "PGDATESTYLE": "German"}
    subprocess.run([sys.executable, "-c", program, postgres_database, shape], check=True, env=os.environ | elsewhere)
    with connected(url) as here, connected(postgres_database) as there:
        clean = checksums(here)
        assert all(clean[table] != checksum for table, checksum in checksums(there).items())
        delete_rows(there, [(bad.table, bad.key) for bad in DIRTY_ROWS])
        assert checksums(there) == clean


def test_tables_have_the_columns_of_their_shape(sample: tuple[str, str]) -> None:
    shape, url = sample
    with connected(url) as connection:
        for table in KEYS:
            expected = [
                column.replace("= now", f"= {now_of(table, shape)}")
                .replace("= new", "= 'new'::text")
                .replace("= uuid", "= (gen_random_uuid())::text")
                for column in columns_of(table, shape)
            ]
            assert found_columns(connection, table) == expected


def test_the_tables_have_their_indexes(sample: tuple[str, str]) -> None:
    shape, url = sample
    descending = DESCENDING_ALWAYS | (DESCENDING_IN_SQL if shape == "sql" else set())
    with connected(url) as connection:
        for table, expected in INDEXES.items():
            wanted = {f"btree ({c}{' DESC' if f'{table}.{c}' in descending else ''})" for c in expected}
            if table == "anomaly_events" and shape == "orm":
                wanted.add("gin (cohort)")
            rows = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = %s", [table])
            found = {line.split(" USING ")[1].replace('"', "") for (line,) in rows if "UNIQUE" not in line}
            assert found == wanted, table


def test_the_constraints_are_in_force(sample: tuple[str, str]) -> None:
    with connected(sample[1]) as connection:
        for statement, state in FORBIDDEN:
            with pytest.raises(psycopg.IntegrityError) as caught, connection.transaction():
                connection.execute(statement)
            assert caught.value.sqlstate == state, statement


def test_runs_and_events_go_with_their_detector(sample: tuple[str, str]) -> None:
    with connected(sample[1]) as connection:
        connection.execute("DELETE FROM detectors")
        assert connection.execute("SELECT count(*) FROM detection_runs").fetchall() == [(0,)]
        assert connection.execute("SELECT count(*) FROM anomaly_events").fetchall() == [(0,)]


def test_a_database_that_is_not_empty_is_refused_and_left_alone(sample: tuple[str, str]) -> None:
    before = count_rows(sample[1])
    with pytest.raises(ConfigurationError, match=r"not empty.*anomaly_events"):
        write_platform_sample(sample[1], size=SMALL)
    assert count_rows(sample[1]) == before


def test_a_run_that_is_broken_off_leaves_the_database_empty(postgres_database: str) -> None:
    name = postgres_database.rsplit("/", 1)[1]
    with connected(postgres_database) as connection:
        connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '40ms'")
        connection.commit()
    with pytest.raises(ServerUnavailableError, match="statement timeout"):
        write_platform_sample(postgres_database, size=SMALL)
    with connected(postgres_database) as connection:
        query = "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'"
        assert connection.execute(query).fetchall() == [(0,)]


def test_a_wrong_password_is_named_as_such_and_not_shown(postgres_database: str) -> None:
    scheme, rest = postgres_database.split("//")
    user, place = rest.split(":", 1)[0], rest.split("@")[1]
    with pytest.raises(ServerUnavailableError) as caught:
        write_platform_sample(f"{scheme}//{user}:open-sesame@{place}", size=SMALL)
    assert "password authentication failed" in str(caught.value)
    assert "open-sesame" not in str(caught.value)


@pytest.mark.parametrize("url", ["sqlite:///x.sqlite3", "not a url", "mysql://u:open-sesame@127.0.0.1/x"])
def test_an_address_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="PostgreSQL URL") as caught:
        write_platform_sample(url, size=SMALL)
    assert "open-sesame" not in str(caught.value)


def test_the_command_line_names_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["postgresql+psycopg://u:open-sesame@127.0.0.1:1/x"]) == 2
    said = capsys.readouterr()
    assert "127.0.0.1:1/x" in said.err
    assert "open-sesame" not in said.err + said.out


def now_of(table: str, shape: str) -> str:
    always_sql = table in ("investigation_audit_log", "investigation_templates")
    return NOW["sql"] if always_sql else NOW[shape]


def found_columns(connection: psycopg.Connection[tuple[object, ...]], table: str) -> list[str]:
    query = (
        "SELECT column_name, udt_name, character_maximum_length, is_nullable, column_default "
        "FROM information_schema.columns WHERE table_name = %s ORDER BY ordinal_position"
    )
    words = {"int4": "integer", "bool": "boolean"}
    found = []
    for name, kind, length, nullable, default in connection.execute(query, [table]):
        declared = f"{words.get(str(kind), kind)}{f'({length})' if length else ''}{'!' if nullable == 'NO' else ''}"
        found.append(f"{name} {declared}{f' = {default}' if default else ''}")
    return found
