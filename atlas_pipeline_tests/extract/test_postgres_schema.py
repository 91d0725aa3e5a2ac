"""What of a PostgreSQL database is a source: every kind of relation, in every schema, by its name in the specs."""

from __future__ import annotations

import pytest

from atlas_pipeline.extract.schema import inspect_schema, require_schema
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.postgres_databases import all_rows, run, source_of


@pytest.mark.parametrize(
    ("ddl", "fill"),
    [
        ("CREATE VIEW {0} AS SELECT * FROM base", ""),
        ("CREATE MATERIALIZED VIEW {0} AS SELECT * FROM base", ""),
        ("CREATE TABLE {0} (id INTEGER PRIMARY KEY, a TEXT) PARTITION BY RANGE (id)",
         "CREATE TABLE p1 PARTITION OF {0} FOR VALUES FROM (0) TO (2); "
         "CREATE TABLE p2 PARTITION OF {0} DEFAULT; INSERT INTO {0} SELECT * FROM base"),
        ("CREATE UNLOGGED TABLE {0} (id INTEGER PRIMARY KEY, a TEXT)", "INSERT INTO {0} SELECT * FROM base"),
        ("CREATE FOREIGN TABLE {0} (id INTEGER, a TEXT) SERVER files OPTIONS (program 'printf \"1,x\\n2,y\\n\"', "
         "format 'csv')", ""),
    ],
    ids=["view", "materialized", "partitioned", "unlogged", "foreign"],
)  # fmt: skip
@pytest.mark.parametrize("name", ["items", "sales.items"])
def test_whatever_can_be_selected_from_is_a_source(emptied_database: str, ddl: str, fill: str, name: str) -> None:
    run(
        emptied_database,
        "CREATE SCHEMA sales",
        "CREATE EXTENSION file_fdw",
        "CREATE SERVER files FOREIGN DATA WRAPPER file_fdw",
        "CREATE TABLE base (id INTEGER PRIMARY KEY, a TEXT)",
        "INSERT INTO base VALUES (2, 'y'), (1, 'x')",
        ddl.format(name),
    )
    if fill:
        run(emptied_database, fill.format(name))
    table = TableSpec(source=name, collection="items", key=("id",), columns=(integer("id"), text("a")))
    with source_of(emptied_database).snapshot() as snapshot:
        assert snapshot.tables() == tuple(sorted(("base", name)))
        require_schema(inspect_schema(snapshot, [table]))
        assert all_rows(snapshot, table) == [(1, "x"), (2, "y")]
        assert snapshot.count(table) == 2


def test_tables_of_all_schemas_are_listed_and_those_of_the_server_and_of_extensions_are_not(
    postgres_database: str,
) -> None:
    run(
        postgres_database,
        "CREATE EXTENSION pg_stat_statements",
        "CREATE SCHEMA sales",
        "CREATE TABLE items (id INTEGER PRIMARY KEY)",
        "CREATE TABLE sales.items (id TEXT PRIMARY KEY)",
        "CREATE TABLE sales.orders (id INTEGER PRIMARY KEY)",
        "ALTER ROLE CURRENT_USER IN DATABASE {} SET search_path = sales".format(postgres_database.rpartition("/")[2]),
    )
    with source_of(postgres_database).snapshot() as snapshot:
        assert snapshot.tables() == ("items", "orders", "public.items")
        assert [one.sql_type for one in snapshot.columns("items")] == ["TEXT"]
        assert [one.sql_type for one in snapshot.columns("public.items")] == ["INTEGER"]
        assert snapshot.columns("nothing") == ()
        assert snapshot.primary_key("nothing") == ()


def test_the_columns_of_the_source_say_where_null_is_legal(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE DOMAIN always AS TEXT NOT NULL",
        "CREATE TABLE items (id INTEGER PRIMARY KEY, a TEXT, b TEXT NOT NULL, c always, gone TEXT)",
        "ALTER TABLE items DROP COLUMN gone",
    )
    with source_of(emptied_database).snapshot() as snapshot:
        nullable = {column.name: column.nullable for column in snapshot.columns("items")}
    assert nullable == {"id": False, "a": True, "b": False, "c": False}
