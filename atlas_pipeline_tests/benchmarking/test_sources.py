"""Generated tables are the same for the same seed, and are the same source in both dialects."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from itertools import islice
from pathlib import Path
from statistics import mean

import pytest

from atlas_pipeline.benchmarking.generated import GENERATED, HUGE, JSON, LARGE, NARROW, WIDE, GeneratedTable
from atlas_pipeline.benchmarking.sources import dialect_of, fill
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline_tests.benchmarking.sides import documents, sqlite_url

ROWS = {"wide": 400, "narrow": 400, "json_heavy": 200, "large": 20, "huge": 6}


@pytest.mark.parametrize("table", GENERATED.values(), ids=GENERATED)
def test_the_same_seed_gives_the_same_rows(table: GeneratedTable) -> None:
    some = ROWS[table.spec.source]
    rows = list(table.rows(some, seed=1))
    assert list(islice(table.rows(10**12, seed=1), some)) == rows  # nothing of the rest is made
    assert len({row[0] for row in rows}) == some
    assert list(table.rows(some, seed=2)) != rows


def test_rows_go_on_behind_the_first_block() -> None:
    rows = list(NARROW.rows(3 * NARROW.block_rows))
    assert [row[0] for row in rows] == list(range(1, len(rows) + 1))
    assert rows[NARROW.block_rows][1:] != rows[0][1:]


@pytest.mark.parametrize("table", GENERATED.values(), ids=GENERATED)
def test_both_dialects_hold_the_same_documents(table: GeneratedTable, tmp_path: Path, postgres_database: str) -> None:
    some = ROWS[table.spec.source]
    urls = (sqlite_url(tmp_path), postgres_database)
    assert [fill(url, table.spec, table.rows(some)) for url in urls] == [some, some]
    from_sqlite, from_postgresql = (documents(url, table.spec, tmp_path) for url in urls)
    assert len(from_sqlite) == some
    assert from_sqlite == from_postgresql


def test_tables_are_as_large_as_they_are_said_to_be(tmp_path: Path) -> None:
    url = sqlite_url(tmp_path)
    sizes = {}
    for table in (WIDE, NARROW, LARGE):
        fill(url, table.spec, table.rows(200))
        sizes[table.spec.source] = mean(map(len, documents(url, table.spec, tmp_path)))
    assert 500 < sizes["wide"] < 560
    assert sizes["narrow"] < 70
    assert 180_000 < sizes["large"] < 220_000
    assert 900 < mean(len(payload) for _, payload, _ in JSON.rows(200)) < 1_400
    largest = max(len(body) + len(content) for _, body, content in HUGE.rows(40))
    assert 5_000_000 < largest <= 10_000_000


def test_the_json_table_holds_json_of_some_depth() -> None:
    ((_, payload, _),) = JSON.rows(1)
    assert json.loads(payload)["customer"]["address"]["zip"] is None


def test_nullable_columns_hold_nulls_and_the_others_none() -> None:
    rows = list(WIDE.rows(1_000))
    names = [column.name for column in WIDE.spec.columns if column.nullable]
    assert names == ["t7", "i3"]
    nulls = [sum(value is None for value in column) for column in zip(*rows, strict=True)]
    assert {name: 20 < count < 100 for name, count in zip(WIDE.spec.column_names, nulls, strict=True) if count} == {
        "t7": True,
        "i3": True,
    }


def test_a_filled_file_is_read_like_that_of_an_application(tmp_path: Path) -> None:
    fill(sqlite_url(tmp_path), NARROW.spec, NARROW.rows(10))
    fill(sqlite_url(tmp_path), WIDE.spec, WIDE.rows(10))
    with closing(sqlite3.connect(tmp_path / "bench.sqlite3")) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert file.execute("SELECT count(*) FROM narrow").fetchone() == (10,)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_table_that_is_there_is_left_alone(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = sqlite_url(tmp_path) if dialect == "sqlite" else request.getfixturevalue("postgres_database")
    assert dialect_of(url) == dialect
    fill(url, NARROW.spec, NARROW.rows(10))
    with pytest.raises(ConfigurationError, match="narrow"):
        fill(url, NARROW.spec, NARROW.rows(20))
    assert len(documents(url, NARROW.spec, tmp_path)) == 10


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_a_table_that_cannot_be_filled_is_not_there(
    dialect: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = sqlite_url(tmp_path) if dialect == "sqlite" else request.getfixturevalue("postgres_database")
    with pytest.raises(Exception, match=r"(?i)unique"):
        fill(url, NARROW.spec, [*NARROW.rows(10), *NARROW.rows(1)])
    assert fill(url, NARROW.spec, NARROW.rows(10)) == 10


def test_other_databases_are_no_sources() -> None:
    with pytest.raises(ConfigurationError, match="mysql"):
        dialect_of("mysql://localhost/bench")
