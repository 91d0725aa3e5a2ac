"""The dirty sample: the rows of the clean one, and bad rows that are bad in exactly the column they are listed for."""

from __future__ import annotations

import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from atlas_pipeline.local.sample.ddl import LOOSENED, loosened_table_statements, table_statements
from atlas_pipeline.local.sample.generate import DirtyFacts, SampleFacts, write_dirty_sample, write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.local.sample.world import SECRET_MARKER
from atlas_pipeline_tests.local.sample_oracle import columns_of, connect, faults
from atlas_pipeline_tests.local.sample_schema import EXPECTED_SCHEMA

SMALL = SampleSize.default().scaled(0.02)
CODES = {
    "not_text", "not_utf8", "not_integer", "not_number", "not_boolean", "null_value", "not_date", "bad_json",
    "json_shape", "json_number", "json_depth", "lone_surrogate", "nul_in_key", "too_large", "duplicate_value",
}  # fmt: skip
SECRET_COLUMNS = {
    "users": "password_hash",
    "user_api_keys": "secret",
    "global_api_keys": "secret",
    "secure_settings": "encrypted_value",
    "puppet_configs": "remote_url",
    "bot_webhook_configs": "webhook_secret",
}


@pytest.fixture(scope="module")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DirtyFacts]:
    path = tmp_path_factory.mktemp("dirty") / "atlas.sqlite3"
    return path, write_dirty_sample(path, size=SMALL)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleFacts]:
    path = tmp_path_factory.mktemp("clean") / "atlas.sqlite3"
    return path, write_sample(path, size=SMALL)


def as_bytes(path: Path) -> sqlite3.Connection:
    database = connect(path)
    database.text_factory = bytes
    return database


def test_every_bad_row_is_in_the_file_and_bad_for_its_reason_alone(dirty: tuple[Path, DirtyFacts]) -> None:
    listed = [(bad.table, bad.key, bad.column, bad.code) for bad in dirty[1].bad_rows]
    assert Counter(faults(dirty[0])) == Counter(listed)


def test_there_are_bad_rows_enough_of_every_kind(dirty: tuple[Path, DirtyFacts]) -> None:
    bad_rows = dirty[1].bad_rows
    assert {bad.code for bad in bad_rows} == CODES
    assert len(bad_rows) >= 30
    assert len({bad.table for bad in bad_rows}) == 18
    assert len({(bad.table, bad.key) for bad in bad_rows}) == len(bad_rows)
    assert sum(bad.code == "too_large" for bad in bad_rows) == 1


def test_the_good_rows_are_those_of_the_clean_sample(
    clean: tuple[Path, SampleFacts], dirty: tuple[Path, DirtyFacts]
) -> None:
    added = Counter(bad.table for bad in dirty[1].bad_rows)
    assert dirty[1].rows == {table: rows + added[table] for table, rows in clean[1].rows.items()}
    assert dirty[1].orphans == clean[1].orphans
    good, all_rows = as_bytes(clean[0]), as_bytes(dirty[0])
    for table in EXPECTED_SCHEMA:
        bad_keys = {bad.key for bad in dirty[1].bad_rows if bad.table == table}
        kept = [row for row in all_rows.execute(f"SELECT * FROM {table} ORDER BY 1") if _key(row) not in bad_keys]
        assert kept == good.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall(), table


def test_the_same_seed_makes_the_same_bad_rows(dirty: tuple[Path, DirtyFacts], tmp_path: Path) -> None:
    again = tmp_path / "again.sqlite3"
    assert write_dirty_sample(again, size=SMALL) == dirty[1]
    first, second = as_bytes(dirty[0]), as_bytes(again)
    for table in EXPECTED_SCHEMA:
        query = f"SELECT * FROM {table} ORDER BY 1"
        assert first.execute(query).fetchall() == second.execute(query).fetchall(), table


def test_no_bad_row_breaks_a_foreign_key_but_the_one_whose_reference_is_bad(
    clean: tuple[Path, SampleFacts], dirty: tuple[Path, DirtyFacts]
) -> None:
    before, after = (set(connect(path).execute("PRAGMA foreign_key_check")) for path in (clean[0], dirty[0]))
    (bad,) = (bad for bad in dirty[1].bad_rows if bad.column == "platform_account_id")
    assert {row[:2] for row in after - before} == {("bot_conversations", bad.key)}
    assert before < after


def test_the_duplicate_has_a_higher_key_than_the_row_that_stays(dirty: tuple[Path, DirtyFacts]) -> None:
    (duplicate,) = (bad for bad in dirty[1].bad_rows if bad.code == "duplicate_value")
    query = "SELECT id FROM users WHERE username = (SELECT username FROM users WHERE id = ?) ORDER BY id"
    keys = [key.decode() for (key,) in as_bytes(dirty[0]).execute(query, [duplicate.key])]
    assert len(keys) == 2
    assert keys[-1] == duplicate.key


def test_only_the_named_constraints_are_missing(dirty: tuple[Path, DirtyFacts]) -> None:
    real, loose = table_statements(), loosened_table_statements()
    changed = {table for table in real if real[table] != loose[table]}
    assert changed == {table for table, _, _ in LOOSENED}
    database = connect(dirty[0])
    for table in EXPECTED_SCHEMA:
        found = [row[1:3] for row in database.execute(f"PRAGMA table_info({table})")]
        assert found == [column[:2] for column in columns_of(table)]
        sql = database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [table]).fetchone()[0]
        assert sql == loose[table]


def test_every_bad_row_of_a_table_with_secrets_has_one(dirty: tuple[Path, DirtyFacts]) -> None:
    database = as_bytes(dirty[0])
    for bad in dirty[1].bad_rows:
        column = SECRET_COLUMNS.get(bad.table)
        if column:
            key_column = columns_of(bad.table)[0][0]
            query = f"SELECT {column} FROM {bad.table} WHERE {key_column} IS ?"
            (secret,) = database.execute(query, [bad.key]).fetchone()
            assert SECRET_MARKER.encode() in secret, bad
    assert {bad.table for bad in dirty[1].bad_rows if SECRET_COLUMNS.get(bad.table) == bad.column} == set(
        SECRET_COLUMNS
    )


def test_no_description_of_a_bad_row_holds_a_secret(dirty: tuple[Path, DirtyFacts]) -> None:
    assert all(SECRET_MARKER not in f"{bad.key} {bad.about}" for bad in dirty[1].bad_rows)
    database = as_bytes(dirty[0])
    for table in EXPECTED_SCHEMA:
        for name, *_ in columns_of(table):
            query = f"SELECT count(*) FROM {table} WHERE instr(CAST({name} AS BLOB), CAST(? AS BLOB))"
            marked = database.execute(query, [SECRET_MARKER]).fetchone()[0]
            assert (marked > 0) == (SECRET_COLUMNS.get(table) == name), f"{table}.{name}"


def _key(row: tuple[object, ...]) -> object:
    return row[0].decode() if isinstance(row[0], bytes) else row[0]
