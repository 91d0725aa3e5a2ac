"""The real schema against the spec: what is missing stops a run and is named with what was found instead."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.schema import SchemaFindings, inspect_schema, require_schema
from atlas_pipeline.local.sample.generate import write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.catalogs.facts_infrastructure_atlas import BOOKKEEPING, FACTS, LEFT_ALONE
from atlas_pipeline_tests.extract.source_files import ITEMS, ITEMS_DDL, PAIRS, database, source_of


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source" / "items.sqlite3"


def inspect(path: Path, ddl: str, *tables: TableSpec) -> list[SchemaFindings]:
    with database(path) as connection:
        connection.executescript(ddl)
    with source_of(path).snapshot() as snapshot:
        return inspect_schema(snapshot, tables)


def test_the_schema_of_the_sample_is_the_one_of_the_catalog(tmp_path: Path) -> None:
    path = tmp_path / "source" / "sample.sqlite3"
    write_sample(path, size=SampleSize.default().scaled(0.001))
    with source_of(path).snapshot() as snapshot:
        findings = inspect_schema(snapshot, INFRASTRUCTURE_ATLAS.tables)
        assert set(snapshot.tables()) == {f["source"] for f in FACTS.values()} | {*LEFT_ALONE, *BOOKKEEPING}
        for facts in FACTS.values():
            columns = [(column.name, column.sql_type) for column in snapshot.columns(facts["source"])]
            assert sorted(columns) == sorted(facts["declared"])
    assert findings == [SchemaFindings(table=table.source) for table in INFRASTRUCTURE_ATLAS.tables]
    require_schema(findings)


def test_a_missing_table_is_named_with_the_nearest_one(path: Path) -> None:
    findings = inspect(path, ITEMS_DDL.replace("items", "itens") + "; CREATE TABLE other (id INTEGER)", ITEMS)
    with pytest.raises(SourceError) as caught:
        require_schema(findings)
    assert "Table items is missing" in caught.value.message
    assert "'itens'" in caught.value.message
    assert "other" in caught.value.message
    assert (caught.value.retryable, bool(caught.value.cure)) == (False, True)


def test_missing_columns_are_named_with_those_that_are_there(path: Path) -> None:
    findings = inspect(path, "CREATE TABLE items (id VARCHAR(36), sum INTEGER)", ITEMS)
    with pytest.raises(SourceError) as caught:
        require_schema(findings)
    assert caught.value.message == (
        "Table items lacks column amount, note. "
        "Spec: amount INTEGER, note VARCHAR(80). Source: sum INTEGER. Columns that agree: 1."
    )


def test_everything_that_is_missing_is_said_at_once(path: Path) -> None:
    findings = inspect(path, "CREATE TABLE items (id VARCHAR(36), amount INTEGER)", ITEMS, PAIRS)
    with pytest.raises(SourceError) as caught:
        require_schema(findings)
    assert "Table items lacks column note" in caught.value.message
    assert "Table pairs is missing" in caught.value.message


def test_a_source_without_any_table_says_so(path: Path) -> None:
    path.touch()
    with source_of(path).snapshot() as snapshot, pytest.raises(SourceError, match="no tables at all"):
        require_schema(inspect_schema(snapshot, [ITEMS]))


def test_a_view_is_no_table(path: Path) -> None:
    (finding,) = inspect(path, "CREATE VIEW items AS SELECT 'a' AS id, 1 AS amount, 'n' AS note", ITEMS)
    assert finding.missing


def test_other_types_and_further_columns_are_told_and_stop_nothing(path: Path) -> None:
    ddl = "CREATE TABLE items (id varchar(36), amount, note TEXT, added JSON, PRIMARY KEY (id))"
    findings = inspect(path, ddl, ITEMS)
    require_schema(findings)
    assert findings == [
        SchemaFindings(
            table="items",
            retyped=("amount: no type instead of INTEGER", "note: TEXT instead of VARCHAR(80)"),
            unknown=("added",),
        )
    ]


def test_the_columns_of_the_source_say_where_null_is_legal(path: Path) -> None:
    with database(path) as connection:
        connection.execute(ITEMS_DDL)
    with source_of(path).snapshot() as snapshot:
        assert [(column.name, column.nullable) for column in snapshot.columns("items")] == [
            ("id", False),
            ("amount", True),
            ("note", True),
        ]
        assert snapshot.columns("nothing") == ()
