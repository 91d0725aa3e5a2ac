"""A rejected row is found again at the source by its quarantine entry, whatever its key is made of."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from pymongo import MongoClient

from atlas_pipeline.extract.snapshot import Source
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.load.replay import Replay, Replayed
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import MongoServer
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.loading import load, new_run

POSTGRESQL = {
    "text": ("TEXT", ValueType.TEXT, "'Größe, 1'"),
    "varchar": ("VARCHAR(36)", ValueType.TEXT, "' blank '"),
    "integer": ("BIGINT", ValueType.INTEGER, "9223372036854775807"),
    "small": ("SMALLINT", ValueType.INTEGER, "-1"),
    "decimal": ("NUMERIC(38,10)", ValueType.DECIMAL, "-1.5000000000"),
    "free_decimal": ("NUMERIC", ValueType.DECIMAL, "12345678901234567890.10"),
    "uuid": ("UUID", ValueType.UUID, "'6B29FC40-CA47-1067-B31D-00DD010662DA'"),
    "uuid_as_text": ("UUID", ValueType.TEXT, "'6b29fc40-ca47-1067-b31d-00dd010662da'"),
    "bytes": ("BYTEA", ValueType.BINARY, r"'\x00ff'"),
    "boolean": ("BOOLEAN", ValueType.BOOLEAN, "FALSE"),
    "day": ("DATE", ValueType.DATE, "'2024-02-29'"),
    "early_day": ("DATE", ValueType.DATE, "'0005-01-01'"),
}
SQLITE = {
    "text": ("TEXT", ValueType.TEXT, "'Größe, 1'"),
    "number_in_text": ("", ValueType.TEXT, "7"),
    "integer": ("INTEGER", ValueType.INTEGER, "9223372036854775807"),
    "text_in_integer": ("INTEGER", ValueType.INTEGER, "'no number'"),
    "fraction_in_integer": ("INTEGER", ValueType.INTEGER, "1.5"),
    "number_text": ("NUMERIC", ValueType.TEXT, "'1.50'"),
    "bytes": ("BLOB", ValueType.BINARY, "x'00ff'"),
    "boolean": ("BOOLEAN", ValueType.BOOLEAN, "1"),
    "day": ("DATE", ValueType.DATE, "'2024-02-29'"),
    "text_in_day": ("DATE", ValueType.DATE, "'tomorrow'"),
}


class Keys:
    """One dialect's tables, one for each kind of key, each with a row that is refused."""

    def __init__(self, source: Source, catalog: CatalogSpec, target: Target) -> None:
        self.source, self.catalog, self.target = source, catalog, target

    def load(self, table: TableSpec) -> None:
        with self.source.snapshot() as snapshot:
            facts = load(table, snapshot, target=self.target, catalog=self.catalog)
        assert (facts.quarantined, facts.loaded) == (1, 0)

    def replay(self, table: TableSpec) -> Replayed:
        given: dict[str, Any] = {"target": self.target, "catalog": self.catalog, "table": table, "run": new_run()}
        with self.source.snapshot() as snapshot:
            return Replay(snapshot=snapshot, **given).run({})


def _table(name: str, declared: str, kind: ValueType) -> TableSpec:
    key = ColumnSpec(name="id", sql_type=declared or "ANY", value=kind)
    return TableSpec(source=name, collection=name, key=("id",), columns=(key, text("word")))


def _keys(dialect: Any, url: str, tables: tuple[TableSpec, ...], server: MongoServer, folder: Path) -> Iterator[Keys]:
    database = f"keys_{uuid.uuid4().hex[:12]}"
    catalog = CatalogSpec(name="keys", dialect=dialect, source_variable="KEYS_URL", database=database, tables=tables)
    source = open_source(catalog, url, copies=folder / "copies", timeout_seconds=5)
    with Target(server.uri) as target:
        yield Keys(source, catalog, target)
        target.client.drop_database(database)
        target.client.drop_database(catalog.pipeline_database)


def _proven(keys: Keys, table: TableSpec, repair: Any) -> None:
    keys.load(table)
    assert len(keys.replay(table).remaining) == 1  # it was found: a row that is not is gone
    repair(f"UPDATE {table.source} SET word = 'repaired'")
    replayed = keys.replay(table)
    if len(replayed.landed) == 0:  # the key itself is refused, so the row is still there and still refused
        assert len(replayed.remaining) == 1
        assert replayed.remaining[0]["column"] == "id"
    else:
        (document,) = keys.target.database(keys.catalog)[table.collection].find()
        assert document["word"] == "repaired"
    repair(f"DELETE FROM {table.source}")
    assert len(keys.replay(table).gone) == (len(replayed.landed) == 0)


def test_a_row_of_postgresql_is_found_again_by_its_entry(
    postgres_database: str, mongo_server: MongoServer, tmp_path: Path, mongo_client: MongoClient[dict[str, Any]]
) -> None:
    tables = tuple(_table(name, declared, kind) for name, (declared, kind, _) in POSTGRESQL.items())
    plain = postgres_database.replace("postgresql+psycopg://", "postgresql://", 1)
    with psycopg.connect(plain, autocommit=True) as server:
        for name, (declared, _, literal) in POSTGRESQL.items():
            server.execute(f"CREATE TABLE {name} (id {declared} PRIMARY KEY, word TEXT)".encode())
            server.execute(f"INSERT INTO {name} VALUES ({literal}, NULL)".encode())
        for keys in _keys("postgresql", postgres_database, tables, mongo_server, tmp_path):
            for table in tables:
                _proven(keys, table, lambda statement: server.execute(statement.encode()))


def test_a_row_of_sqlite_is_found_again_by_its_entry(mongo_server: MongoServer, tmp_path: Path) -> None:
    tables = tuple(_table(name, declared, kind) for name, (declared, kind, _) in SQLITE.items())
    path = tmp_path / "keys.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as source:
        source.execute("PRAGMA journal_mode = WAL")
        for name, (declared, _, literal) in SQLITE.items():
            source.execute(f"CREATE TABLE {name} (id {declared}, word TEXT)")
            source.execute(f"INSERT INTO {name} VALUES ({literal}, NULL)")
        for keys in _keys("sqlite", f"sqlite:///{path}", tables, mongo_server, tmp_path):
            for table in tables:
                _proven(keys, table, source.execute)
