"""Rows come by name, in the order of the target, in batches that are bounded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from atlas_pipeline.errors import SourceError, SpecError
from atlas_pipeline.extract.batching import BATCH_BYTES, BATCH_ROWS, FETCH_BYTES, FETCH_ROWS_UNBOUNDED, bytes_of_batch
from atlas_pipeline.extract.describe import describe_table
from atlas_pipeline.extract.schema import SchemaFindings, inspect_schema, require_schema
from atlas_pipeline.extract.sqlite_snapshot import KEYS_PER_QUERY
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import Reference, TableSpec
from atlas_pipeline_tests.extract.source_files import (
    ITEMS,
    PAIRS,
    PAIRS_DDL,
    all_rows,
    database,
    fill,
    item,
    source_of,
    write_items,
)

# In the order of UTF-8, which is that of code points. In UTF-16 the last but one would come before its predecessor.
ORDERED = ["", "\0", " ", "0", "0042", "42", "A", "Z", "a", "a\0", "a ", "z", "é", "中", "\uffee", "𠮷", "\U0010ffff"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source" / "items.sqlite3"


def test_columns_come_by_name_whatever_their_place_in_the_file(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE items (note VARCHAR(80), unknown TEXT, amount INTEGER, id VARCHAR(36))")
        connection.execute("INSERT INTO items VALUES ('n', 'not in the spec', 7, 'a')")
    with source_of(path).snapshot() as snapshot:
        assert all_rows(snapshot, ITEMS) == [("a", 7, "n")]
        assert snapshot.rows_by_key(ITEMS, [("a",)]) == [("a", 7, "n")]
        assert [column.name for column in snapshot.columns("items")] == ["note", "unknown", "amount", "id"]


def test_names_that_are_words_of_sql_or_hold_quotes_are_read(path: Path) -> None:
    table = TableSpec(
        source='select "it"',
        collection="t",
        key=("order",),
        columns=(integer("order"), text("a-b c", 9), text('q"', 9), text("Group", 9)),
    )
    with database(path) as connection:
        connection.execute('CREATE TABLE "select ""it""" ("Group" TEXT, "a-b c" TEXT, "order" INTEGER, "q""" TEXT)')
        fill(connection, '"select ""it"""', [("g", "a", 1, "q")])
    with source_of(path).snapshot() as snapshot:
        assert snapshot.tables() == ('select "it"',)
        assert all_rows(snapshot, table) == [(1, "a", "q", "g")]
        assert (snapshot.count(table), list(snapshot.keys(table)), snapshot.duplicate_keys(table)) == (1, [(1,)], 0)
        assert snapshot.rows_by_key(table, [(1,)]) == [(1, "a", "q", "g")]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le", "UTF-16be"])
@pytest.mark.parametrize("collation", ["", "COLLATE NOCASE", "COLLATE RTRIM"])
def test_keys_are_ordered_as_the_target_orders_them(path: Path, encoding: str, collation: str) -> None:
    with database(path, encoding=encoding) as connection:
        connection.execute(f"CREATE TABLE items (id VARCHAR(36) {collation}, amount INTEGER, note VARCHAR(80))")
        fill(connection, "items", [(key, number, None) for number, key in enumerate(reversed(ORDERED))])
    with source_of(path).snapshot() as snapshot:
        assert list(snapshot.keys(ITEMS)) == [(key,) for key in ORDERED]
        assert [row[0] for row in all_rows(snapshot, ITEMS)] == ORDERED == sorted(ORDERED)


def test_a_composite_key_is_ordered_by_its_columns_in_key_order(path: Path) -> None:
    rows = [(account, team, None) for account in ("b", "a", "é", "B") for team in (10, 9, -1, 2**40)]
    with database(path) as connection:
        connection.execute(PAIRS_DDL)
        fill(connection, "pairs", rows)
    expected = sorted((team, account) for account, team, _ in rows)
    with source_of(path).snapshot() as snapshot:
        assert list(snapshot.keys(PAIRS)) == expected
        assert [(team, account) for account, team, _ in all_rows(snapshot, PAIRS)] == expected


def test_batches_have_a_bounded_number_of_rows_and_lose_none(path: Path) -> None:
    rows = [item(number) for number in range(2 * BATCH_ROWS + 1)]
    write_items(path, rows)
    with source_of(path).snapshot() as snapshot:
        batches = list(snapshot.batches(ITEMS))
    assert [len(batch) for batch in batches] == [BATCH_ROWS, BATCH_ROWS, 1]
    assert [row for batch in batches for row in batch] == rows


@pytest.mark.parametrize("kind", [str, bytes])
def test_batches_are_closed_early_when_their_values_are_large(path: Path, kind: type) -> None:
    table = TableSpec(source="t", collection="t", key=("id",), columns=(integer("id"), text("content", nullable=True)))
    large: Any = "é" * 150_000 if kind is str else b"\xff" * 150_000
    rows = [(number, large if number % 2 else None) for number in range(200)]
    with database(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content TEXT)")
        fill(connection, "t", rows)
    with source_of(path).snapshot() as snapshot:
        batches = list(snapshot.batches(table))
    assert [row for batch in batches for row in batch] == rows
    assert len(batches) > 3
    for batch in batches:  # only the last fetch can have passed the bound
        assert sum(len(content or "") for _, content in batch[:-FETCH_ROWS_UNBOUNDED]) < BATCH_BYTES
        assert sum(len(content or "") for _, content in batch) < BATCH_BYTES + 2 * FETCH_BYTES


def test_the_budget_of_memory_decides_how_many_bytes_are_a_batch(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, content TEXT)")
        fill(connection, "t", [(number, "x" * 100_000) for number in range(40)])
    table = TableSpec(source="t", collection="t", key=("id",), columns=(integer("id"), text("content")))
    for budget_mb in (8, 32, 128):
        full = bytes_of_batch(budget_mb)
        source = SqliteSource(f"sqlite:///{path}", variable="V", copies=path.parent / "copies", batch_bytes=full)
        with source.snapshot() as snapshot:
            sizes = [100_000 * len(batch) for batch in snapshot.batches(table)]
        assert sum(sizes) == 4_000_000
        assert all(full <= size <= full + FETCH_BYTES for size in sizes[:-1])
    assert bytes_of_batch(128) == BATCH_BYTES


def test_an_empty_table_gives_no_batch(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE items (id VARCHAR(36) PRIMARY KEY, amount INTEGER, note VARCHAR(80))")
    with source_of(path).snapshot() as snapshot:
        assert (all_rows(snapshot, ITEMS), list(snapshot.keys(ITEMS)), snapshot.count(ITEMS)) == ([], [], 0)
        assert snapshot.rows_by_key(ITEMS, []) == []


@pytest.mark.parametrize("table", [ITEMS, PAIRS], ids=["one column", "two columns"])
def test_rows_are_found_by_their_keys_in_any_number(path: Path, table: TableSpec) -> None:
    numbers = range(3 * KEYS_PER_QUERY)
    with database(path) as connection:
        connection.execute(PAIRS_DDL)
        fill(connection, "pairs", [(f"a{number:05}", number % 7, None) for number in numbers])
    write_items(path, [item(number) for number in numbers])
    with source_of(path).snapshot() as snapshot:
        keys = list(snapshot.keys(table))
        wanted = [*keys[1::2], ("nobody",) if table is ITEMS else (1, "nobody")]
        rows = snapshot.rows_by_key(table, wanted)
    positions = [table.column_names.index(name) for name in table.key]
    assert sorted(tuple(row[position] for position in positions) for row in rows) == sorted(keys[1::2])


def test_rows_that_share_their_key_are_counted(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE items (id VARCHAR(36), amount INTEGER, note VARCHAR(80))")
        connection.execute("CREATE TABLE pairs (account VARCHAR(36), team INTEGER, note VARCHAR(80))")
        fill(connection, "items", [(key, 1, None) for key in ("a", "b", "a", "A", "c", "a", "c")])
        fill(connection, "pairs", [("a", 1, "x"), ("a", 2, "x"), ("b", 1, "x"), ("a", 1, "y")])
    with source_of(path).snapshot() as snapshot:
        assert (snapshot.duplicate_keys(ITEMS), snapshot.duplicate_keys(PAIRS)) == (5, 2)
        assert [row[0] for row in all_rows(snapshot, ITEMS)] == ["A", "a", "a", "a", "b", "c", "c"]
        assert len(snapshot.rows_by_key(ITEMS, [("a",)])) == 3


def test_values_come_as_they_are_stored_not_as_they_are_declared(path: Path) -> None:
    rows: list[tuple[Any, ...]] = [("1", "twelve", 5), ("2", 1.5, b"\0"), ("3", None, None), ("4", 2**63 - 1, "")]
    write_items(path, rows)
    with source_of(path).snapshot() as snapshot:
        found = all_rows(snapshot, ITEMS)
    assert found == [("1", "twelve", "5"), ("2", 1.5, b"\0"), ("3", None, None), ("4", 2**63 - 1, "")]
    assert [type(row[1]) for row in found] == [str, float, type(None), int]


def test_rows_can_be_asked_for_by_other_columns_first(path: Path) -> None:
    write_items(path, [item(number) for number in range(100)])
    with database(path) as connection:
        connection.execute("UPDATE items SET amount = amount * 7 % 10")
    with source_of(path).snapshot() as snapshot:
        rows = [row for batch in snapshot.batches(ITEMS, ["amount"]) for row in batch]
        assert rows == sorted(all_rows(snapshot, ITEMS), key=lambda row: (row[1], row[0]))
        assert rows != all_rows(snapshot, ITEMS)


def test_keys_that_several_rows_have_are_named_once(path: Path) -> None:
    with database(path) as connection:
        connection.execute("CREATE TABLE items (id VARCHAR(36) COLLATE NOCASE, amount INTEGER, note VARCHAR(80))")
        fill(connection, "items", [(key, 1, None) for key in ("z", "b", "a", "c", "a", "b", "b")])
    with source_of(path).snapshot() as snapshot:
        assert list(snapshot.repeated_keys(ITEMS)) == [("a",), ("b",)]
    with database(path) as connection:
        connection.execute("DELETE FROM items")
    with source_of(path).snapshot() as snapshot:
        assert list(snapshot.repeated_keys(ITEMS)) == []


def test_a_small_table_is_looked_up_by_its_texts(path: Path) -> None:
    write_items(path, [("a", 1, "first"), ("b", 2, None), ("c", None, "third"), ("d", 1, "other")])
    with source_of(path).snapshot() as snapshot:
        assert snapshot.lookup("items", "id", "note") == {"a": "first", "b": None, "c": "third", "d": "other"}
        assert snapshot.lookup("items", "id", "amount") == {"a": "1", "b": "2", "c": None, "d": "1"}
        assert snapshot.lookup("items", "amount", "amount") == {"1": "1", "2": "2"}
        with pytest.raises(SourceError, match="rows with the same amount differ in note") as caught:
            snapshot.lookup("items", "amount", "note")
        assert "first" not in str(caught.value)


def test_an_optional_column_that_is_not_there_reads_as_null(path: Path) -> None:
    extra = text("extra", nullable=True, optional=True)
    table = TableSpec(source="items", collection="items", key=("id",), columns=(*ITEMS.columns, extra))
    reference = Reference(column="extra", targets=(("items", "id"),))
    write_items(path, [item(1), item(2)])
    with source_of(path).snapshot() as snapshot:
        assert inspect_schema(snapshot, [table]) == [SchemaFindings(table="items")]
        assert all_rows(snapshot, table) == [(*item(1), None), (*item(2), None)]
        assert snapshot.rows_by_key(table, [("item-00002",)]) == [(*item(2), None)]
        assert snapshot.orphans(table, reference).count == 0
    with database(path) as connection:
        connection.execute("ALTER TABLE items ADD COLUMN extra TEXT DEFAULT 'there'")
    with source_of(path).snapshot() as snapshot:
        assert all_rows(snapshot, table) == [(*item(1), "there"), (*item(2), "there")]
        assert snapshot.orphans(table, reference).count == 2


def test_a_table_is_described_by_its_declared_types(path: Path) -> None:
    with database(path) as connection:
        connection.execute(
            "CREATE TABLE many (b INTEGER, a VARCHAR(36), c BOOLEAN NOT NULL, d DATETIME, e JSON, f FLOAT, g BLOB, "
            "h DECIMAL(10, 2), i DATE, j, PRIMARY KEY (a, b))"
        )
        connection.execute("CREATE TABLE bare (a INTEGER)")
    with source_of(path).snapshot() as snapshot:
        table = describe_table(snapshot, "many")
        assert snapshot.primary_key("many") == ("a", "b")
        require_schema(inspect_schema(snapshot, [table]))
        with pytest.raises(SpecError, match="bare has no primary key"):
            describe_table(snapshot, "bare")
        with pytest.raises(SourceError, match="Table manny is missing"):
            describe_table(snapshot, "manny")
    assert (table.collection, table.key) == ("many", ("a", "b"))
    assert "".join(column.name for column in table.columns) == "bacdefghij"
    assert [str(column.value) for column in table.columns] == [
        *("integer", "text", "boolean", "datetime", "json", "double", "binary", "decimal", "date", "text")
    ]
    assert [column.name for column in table.columns if not column.nullable] == ["b", "a", "c"]
