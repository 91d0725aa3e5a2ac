"""Sources that cannot be read: what is wrong is named with the table and the cure, and never a password or a value."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import EXIT_CANNOT, ConfigurationError, SourceError, SourceLockedError
from atlas_pipeline.extract.postgres_source import PostgresSource
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.postgres_databases import all_rows, as_user, asked, connected, run, source_of
from atlas_pipeline_tests.extract.source_files import ITEMS, ITEMS_DDL

SECRET = "hush-7f2b"
OTHERS = TableSpec(source="others", collection="others", key=("id",), columns=(integer("id"),))
CATALOG = CatalogSpec(name="one", dialect="postgresql", source_variable="ONE_URL", database="one", tables=(ITEMS,))


@pytest.fixture
def reader(postgres_database: str) -> Iterator[str]:
    """The database with tables `items` and `others`, for a user who may read `others` only."""
    name = postgres_database.rpartition("/")[2]
    user = f"reader_{name[-8:]}"
    run(
        postgres_database,
        ITEMS_DDL,
        f"INSERT INTO items VALUES ('{SECRET}', 1, '{SECRET}')",
        "CREATE TABLE others (id INTEGER PRIMARY KEY)",
        "INSERT INTO others VALUES (1)",
        f"CREATE USER {user} PASSWORD '{SECRET}'",
        f"GRANT SELECT ON others TO {user}",
    )
    yield as_user(postgres_database, user, SECRET)
    run(postgres_database, f"DROP OWNED BY {user}", f"DROP USER {user}")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"sqlite:///{SECRET}.sqlite3", "names a sqlite database"),
        (f"mysql://user:{SECRET}@host/db", "names a mysql database"),
        (f"postgresql+psycopg2://user:{SECRET}@host/db", "names the driver psycopg2"),
        (f"postgresql://user:{SECRET}@host", "names no database"),
        (f"postgresql://user:{SECRET}@host:port/db", "is not a database URL"),
        (f"user:{SECRET}@host/db", "is not a database URL"),
        ("", "is not a database URL"),
        (f"postgresql://user:{SECRET}@host/db?colour={SECRET}", "has a parameter that PostgreSQL's own client"),
    ],
)
def test_a_wrong_url_is_refused_by_the_name_of_its_variable(url: str, words: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        PostgresSource(url, variable="ITEMS_DB_URL")
    assert words in caught.value.message
    assert "ITEMS_DB_URL" in str(caught.value)
    assert SECRET not in str(caught.value)
    assert caught.value.exit_code == EXIT_CANNOT


def test_the_dialect_of_the_catalog_chooses_the_reader(postgres_database: str, tmp_path: Path) -> None:
    plain = postgres_database.replace("postgresql+psycopg://", "postgresql://", 1)
    for url in (postgres_database, plain):
        with open_source(CATALOG, url, copies=tmp_path, timeout_seconds=5, statement_seconds=7).snapshot() as snapshot:
            assert snapshot.tables() == ()
    with pytest.raises(ConfigurationError, match="reads PostgreSQL"):
        open_source(CATALOG, "sqlite:///a.sqlite3", copies=tmp_path, timeout_seconds=5)
    with pytest.raises(ConfigurationError, match="reads SQLite"):
        open_source(INFRASTRUCTURE_ATLAS, postgres_database, copies=tmp_path, timeout_seconds=5)


def test_the_description_of_a_source_shows_no_password(postgres_database: str) -> None:
    source = source_of(as_user(postgres_database, "someone", SECRET))
    assert postgres_database.rpartition("/")[2] in source.description
    assert SECRET not in source.description


def refusal(url: str) -> SourceError:
    with pytest.raises(SourceError) as caught, source_of(url, timeout_seconds=2).snapshot():
        pytest.fail("was opened")
    assert caught.value.exit_code == EXIT_CANNOT
    assert "ITEMS_DB_URL" in caught.value.cure
    assert caught.value.__suppress_context__
    return caught.value


def test_a_wrong_password_says_so_and_is_not_shown(postgres_database: str, reader: str) -> None:
    error = refusal(reader.replace(SECRET, f"{SECRET}-wrong"))
    assert "password is wrong" in error.message
    assert SECRET not in str(error)


def test_a_missing_database_says_so(postgres_database: str) -> None:
    error = refusal(f"{postgres_database}_gone")
    assert "no such database" in error.message
    assert "_gone" in error.message


def test_a_server_that_nobody_runs_says_so(postgres_database: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    error = refusal(f"postgresql://user:{SECRET}@127.0.0.1:{port}/db")
    assert "cannot be reached" in error.message
    assert str(port) in error.message
    assert SECRET not in str(error)


def test_a_server_that_never_answers_is_given_up(postgres_database: str) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        error = refusal(f"postgresql://user:{SECRET}@127.0.0.1:{silent.getsockname()[1]}/db")
    assert "cannot be reached" in error.message


def test_a_user_who_may_not_connect_is_told_so(postgres_database: str, reader: str) -> None:
    name = postgres_database.rpartition("/")[2]
    run(postgres_database, f"REVOKE CONNECT ON DATABASE {name} FROM PUBLIC")
    assert "may not connect" in refusal(reader).message


def test_a_table_without_permission_is_named_with_the_cure_and_the_others_can_be_read(reader: str) -> None:
    with source_of(reader).snapshot() as snapshot:
        for ask in (
            lambda: snapshot.count(ITEMS),
            lambda: all_rows(snapshot, ITEMS),
            lambda: list(snapshot.keys(ITEMS)),
            lambda: snapshot.rows_by_key(ITEMS, [("a",)]),
            lambda: snapshot.lookup("items", "id", "note"),
        ):
            with pytest.raises(SourceError, match=r"Table items .*permission denied") as caught:
                ask()
            assert "GRANT SELECT" in caught.value.cure
            assert all_rows(snapshot, OTHERS) == [(1,)]


def test_rows_that_row_security_hides_are_an_error_and_not_a_smaller_table(postgres_database: str, reader: str) -> None:
    run(
        postgres_database,
        "GRANT SELECT ON items TO PUBLIC",
        "ALTER TABLE items ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY none ON items USING (amount > 1)",
    )
    with source_of(reader).snapshot() as snapshot, pytest.raises(SourceError, match="Table items") as caught:
        snapshot.count(ITEMS)
    assert "BYPASSRLS" in caught.value.cure


def test_a_statement_that_takes_too_long_is_given_up_with_its_table(postgres_database: str) -> None:
    run(
        postgres_database,
        "CREATE VIEW items AS SELECT 'a'::varchar(36) AS id, 1 AS amount, pg_sleep(9)::text::varchar(80) AS note",
        "CREATE TABLE others (id INTEGER PRIMARY KEY)",
    )
    with source_of(postgres_database, statement_seconds=0.2).snapshot() as snapshot:
        with pytest.raises(SourceError, match=r"Table items was given up.* 0.2 seconds") as caught:
            all_rows(snapshot, ITEMS)
        assert "ATLAS_SOURCE_STATEMENT_SECONDS" in caught.value.cure
        assert all_rows(snapshot, OTHERS) == []


def test_a_locked_table_is_waited_for_and_then_named(postgres_database: str) -> None:
    run(postgres_database, ITEMS_DDL)
    with connected(postgres_database) as other, other.transaction():
        other.execute("LOCK TABLE items IN ACCESS EXCLUSIVE MODE")
        with (
            source_of(postgres_database, timeout_seconds=0.2).snapshot() as snapshot,
            pytest.raises(SourceLockedError, match="Table items stayed locked") as caught,
        ):
            snapshot.count(ITEMS)
    assert caught.value.retryable


def test_a_table_that_is_dropped_meanwhile_is_named(postgres_database: str) -> None:
    run(postgres_database, ITEMS_DDL)
    with source_of(postgres_database).snapshot() as snapshot:
        snapshot.columns("items")
        run(postgres_database, "DROP TABLE items")
        with pytest.raises(SourceError, match="Table items was changed or dropped"):
            snapshot.count(ITEMS)


def test_a_missing_table_is_named_also_without_an_inspection(postgres_database: str) -> None:
    with source_of(postgres_database).snapshot() as snapshot:
        for ask in (snapshot.count, lambda table: all_rows(snapshot, table), snapshot.duplicate_keys):
            with pytest.raises(SourceError, match=r"Table items .*is missing"):
                ask(ITEMS)


def test_the_error_of_a_view_names_the_table_and_no_value(postgres_database: str) -> None:
    run(
        postgres_database,
        "CREATE TABLE raw (id VARCHAR(36), note TEXT)",
        "INSERT INTO raw SELECT i::text, 1 FROM generate_series(1, 5000) i",
        f"UPDATE raw SET note = '{SECRET}' WHERE id = '3000'",
        "CREATE VIEW items AS SELECT id, note::int AS amount, note::varchar(80) AS note FROM raw",
    )
    with source_of(postgres_database).snapshot() as snapshot:
        with pytest.raises(SourceError, match="Table items cannot be read: InvalidTextRepresentation") as caught:
            all_rows(snapshot, ITEMS)
        assert SECRET not in str(caught.value)
        assert snapshot.tables() == ("items", "raw")


def test_a_session_that_is_ended_by_the_server_says_that_it_went_away(postgres_database: str) -> None:
    run(postgres_database, ITEMS_DDL, "INSERT INTO items SELECT i, i, '' FROM generate_series(1, 5000) i")
    with source_of(postgres_database).snapshot(label="to be ended") as snapshot:
        batches = snapshot.batches(ITEMS)
        next(batches)
        ended = asked(
            postgres_database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = %s",
            ["atlas-pipeline to be ended"],
        )
        assert ended == [(True,)]
        with pytest.raises(SourceError, match="went away while Table items was read") as caught:
            list(batches)
        with pytest.raises(SourceError, match="went away"):
            snapshot.count(ITEMS)
    assert type(caught.value) is SourceError


def test_text_columns_of_a_wrong_spec_stop_before_a_row_is_read(postgres_database: str) -> None:
    run(postgres_database, "CREATE TABLE items (id INTEGER PRIMARY KEY, amount INTEGER, note VARCHAR(80))")
    table = TableSpec(source="items", collection="items", key=("id",), columns=(text("id", 36),))
    with source_of(postgres_database).snapshot() as snapshot:
        for ask in (snapshot.keys, snapshot.batches):
            with pytest.raises(SourceError, match="column id is INTEGER, which cannot be read as text"):
                list(ask(table))
