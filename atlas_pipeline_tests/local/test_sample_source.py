"""The clean sample: repeatable, true to the real schema, loadable throughout, and hard in all the places it claims."""

from __future__ import annotations

import json
import re
import sqlite3
from itertools import islice
from pathlib import Path

import pytest

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.local.sample.generate import SampleFacts, write_sample
from atlas_pipeline.local.sample.size import DEFAULT_ROWS, SampleSize
from atlas_pipeline.local.sample.tables import CATALOG_TABLES, ROW_MAKERS
from atlas_pipeline.local.sample.world import SECRET_MARKER, World
from atlas_pipeline_tests.local.sample_oracle import CATALOG, JSON_SHAPES, columns_of, connect, faults
from atlas_pipeline_tests.local.sample_schema import EXPECTED_SCHEMA

SMALL = SampleSize.default().scaled(0.02)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleFacts]:
    path = tmp_path_factory.mktemp("sample") / "atlas.sqlite3"
    return path, write_sample(path, size=SMALL)


@pytest.fixture
def database(sample: tuple[Path, SampleFacts]) -> sqlite3.Connection:
    return connect(sample[0])


def dump(path: Path) -> dict[str, list[tuple[object, ...]]]:
    source = connect(path)
    return {table: source.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in EXPECTED_SCHEMA}


def test_the_same_seed_and_size_make_the_same_rows(sample: tuple[Path, SampleFacts], tmp_path: Path) -> None:
    again = tmp_path / "again.sqlite3"
    assert write_sample(again, size=SMALL) == sample[1]
    assert dump(again) == dump(sample[0])


def test_another_seed_makes_other_rows_of_the_same_number(sample: tuple[Path, SampleFacts], tmp_path: Path) -> None:
    other = tmp_path / "other.sqlite3"
    assert write_sample(other, seed=1, size=SMALL).rows == sample[1].rows
    before, after = dump(sample[0]), dump(other)
    same = [table for table in CATALOG if before[table] == after[table]]
    assert same == []


def test_more_rows_in_tables_that_nothing_refers_to_change_no_other_table(
    sample: tuple[Path, SampleFacts], tmp_path: Path
) -> None:
    larger = tmp_path / "larger.sqlite3"
    write_sample(larger, size=SMALL.with_rows(bot_messages=900, user_api_keys=50))
    before, after = dump(sample[0]), dump(larger)
    assert {table for table in before if before[table] != after[table]} == {"bot_messages", "user_api_keys"}


def test_the_default_size_is_believable_and_counted_truly(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    facts = write_sample(path)
    source = connect(path)
    counted = {table: source.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in EXPECTED_SCHEMA}
    assert facts.rows == counted
    for table in ("chat_messages", "playground_usage", "ai_activity_logs", "bot_messages"):
        assert counted[table] >= 20_000
    assert min(counted.values()) >= 1
    assert counted["users"] < counted["playground_sessions"] < counted["chat_sessions"] < counted["chat_messages"]


def test_a_hundred_thousand_messages_are_written(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    facts = write_sample(path, size=SMALL.with_rows(chat_messages=100_000))
    source = connect(path)
    assert source.execute("SELECT count(*) FROM chat_messages").fetchone()[0] == facts.rows["chat_messages"] > 100_000
    sessions = source.execute("SELECT count(DISTINCT session_id) FROM chat_messages").fetchone()[0]
    assert sessions >= SMALL.rows["chat_sessions"]


@pytest.mark.parametrize("table", list(DEFAULT_ROWS))
def test_rows_are_made_one_by_one_so_that_any_number_fits_into_memory(table: str) -> None:
    boundless = World(1, SampleSize.default().with_rows(**{table: 10**12}))
    assert len(list(islice(ROW_MAKERS[table](boundless), 300))) == 300


def test_every_row_has_exactly_the_columns_of_its_table() -> None:
    world = World(1, SMALL)
    for table, maker in ROW_MAKERS.items():
        names = [name for name, *_ in columns_of(table)]
        assert all(list(row) == names for row in maker(world)), table


@pytest.mark.parametrize("table", list(EXPECTED_SCHEMA))
def test_a_table_has_the_columns_constraints_and_indexes_of_the_real_schema(
    database: sqlite3.Connection, table: str
) -> None:
    expected = [entry.strip() for entry in " ".join(EXPECTED_SCHEMA[table].split()).split(";") if entry.strip()]
    columns = database.execute(f"PRAGMA table_info({table})").fetchall()
    found = [
        f"{name} {declared}{'!' * required}{f' = {default}' if default else ''}"
        for _, name, declared, required, default, _ in columns
    ]
    assert [name for _, name, *_, key in columns if key] == [columns[0][1]]
    for _, _, target, column, target_column, _, on_delete, _ in database.execute(f"PRAGMA foreign_key_list({table})"):
        found.append(f"{column} -> {target} {target_column} {on_delete}")
    sql = database.execute("SELECT sql FROM sqlite_schema WHERE name = ?", [table]).fetchone()[0]
    for name, unique in re.findall(r"(?:CONSTRAINT (\w+) )?UNIQUE \((.+?)\)", sql):
        found.append(f"unique {name or '-'}({unique})")
    for _, name, unique, origin, _ in database.execute(f"PRAGMA index_list({table})"):
        if origin == "c":
            assert not unique
            indexed = ", ".join(row[2] for row in database.execute(f"PRAGMA index_info({name})"))
            found.append(f"index {name}({indexed})")
    assert found[: len(columns)] == expected[: len(columns)]
    assert sorted(found) == sorted(expected)


def test_the_file_has_the_32_tables_of_the_head_revision_and_no_other(database: sqlite3.Connection) -> None:
    tables = {name for (name,) in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == set(EXPECTED_SCHEMA)
    assert len(tables) == 32
    assert database.execute("SELECT * FROM alembic_version").fetchall() == [("20260118_0020",)]
    assert list(CATALOG_TABLES) == CATALOG


def test_no_row_breaks_a_constraint(database: sqlite3.Connection) -> None:
    assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_no_value_is_one_that_cannot_be_loaded(sample: tuple[Path, SampleFacts]) -> None:
    assert list(faults(sample[0])) == []


def test_no_text_is_longer_than_its_column_says(database: sqlite3.Connection) -> None:
    for table in EXPECTED_SCHEMA:
        for name, declared, *_ in columns_of(table):
            limit = re.fullmatch(r"VARCHAR\((\d+)\)", declared)
            if limit:
                longest = database.execute(f"SELECT max(length({name})) FROM {table}").fetchone()[0]
                assert (longest or 0) <= int(limit[1]), f"{table}.{name}"


@pytest.mark.parametrize("column", list(JSON_SHAPES))
def test_json_is_written_as_the_application_writes_it(database: sqlite3.Connection, column: str) -> None:
    table, name = column.split(".")
    texts = [text for (text,) in database.execute(f"SELECT {name} FROM {table} WHERE {name} IS NOT NULL")]
    assert texts
    assert all(json.dumps(json.loads(text)) == text for text in texts)


def test_every_secret_holds_the_marker_and_no_other_value_does(database: sqlite3.Connection) -> None:
    secrets = {
        "users.password_hash": "WHERE password_hash IS NOT NULL",
        "user_api_keys.secret": "",
        "global_api_keys.secret": "",
        "secure_settings.encrypted_value": "",
        "bot_webhook_configs.webhook_secret": "WHERE webhook_secret NOT NULL AND webhook_secret <> 'SLACK_APP_TOKEN'",
        "puppet_configs.remote_url": "WHERE remote_url LIKE '%://%:%@%'",
    }
    for table in EXPECTED_SCHEMA:
        for name, *_ in columns_of(table):
            column = f"{table}.{name}"
            query = f"SELECT count(*) FROM {table} WHERE instr({name}, '{SECRET_MARKER}')"
            marked = database.execute(query).fetchone()[0]
            expected = database.execute(f"SELECT count(*) FROM {table} {secrets.get(column, 'WHERE 0')}").fetchone()[0]
            assert marked == expected, column
            assert (column in secrets) == (marked > 0), column


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ({"chat_mesages": 5}, "Did you mean chat_messages"),
        ({"bot_webhook_configs": 5}, "bot_webhook_configs"),
        ({"users": 0}, "users"),
    ],
)
def test_a_size_that_cannot_be_is_refused_by_name(rows: dict[str, int], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        SampleSize.default().with_rows(**rows)
