"""Rows, keys and counts of a PostgreSQL table: in the target's order, all of one moment."""

from __future__ import annotations

import uuid

import pytest

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.postgres_snapshot import EXAMPLES, KEYS_PER_QUERY
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.tables import Reference, TableSpec
from atlas_pipeline_tests.extract.postgres_databases import all_rows, asked, connected, run, source_of
from atlas_pipeline_tests.extract.source_files import ITEMS, ITEMS_DDL, PAIRS, PAIRS_DDL, item

ROWS = 5_000
FILL = (
    f"INSERT INTO items SELECT 'item-' || lpad(i::text, 5, '0'), i, 'note ' || i FROM generate_series(0, {ROWS - 1}) i"
)


def test_all_rows_come_in_key_order_and_bounded_batches(emptied_database: str) -> None:
    run(emptied_database, ITEMS_DDL, FILL)
    with source_of(emptied_database).snapshot() as snapshot:
        batches = list(snapshot.batches(ITEMS))
        assert [row for batch in batches for row in batch] == [item(number) for number in range(ROWS)]
        assert [len(batch) for batch in batches] == [2_000, 2_000, 1_000]
        assert snapshot.count(ITEMS) == ROWS
        assert list(snapshot.keys(ITEMS)) == [item(number)[:1] for number in range(ROWS)]
        assert "REPEATABLE READ" in snapshot.description
        assert snapshot.size_bytes > 100 * ROWS


def test_an_empty_table_has_no_rows(emptied_database: str) -> None:
    run(emptied_database, ITEMS_DDL)
    with source_of(emptied_database).snapshot() as snapshot:
        assert (all_rows(snapshot, ITEMS), snapshot.count(ITEMS), list(snapshot.keys(ITEMS))) == ([], 0, [])
        assert (snapshot.rows_by_key(ITEMS, []), snapshot.duplicate_keys(ITEMS)) == ([], 0)


def test_large_values_close_a_batch_early(emptied_database: str) -> None:
    table = TableSpec(source="items", collection="items", key=("id",), columns=(integer("id"), text("note")))
    run(
        emptied_database,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, note TEXT)",
        "INSERT INTO items SELECT i, repeat('x', 1000000) FROM generate_series(1, 50) i",
        "INSERT INTO items SELECT i, 'x' FROM generate_series(51, 1000) i",
    )
    with source_of(emptied_database).snapshot() as snapshot:
        batches = list(snapshot.batches(table))
    assert [len(batch) for batch in batches] == [*[5] * 10, 950]
    assert [row[0] for batch in batches for row in batch] == list(range(1, 1001))


@pytest.mark.parametrize("sql_type", ["VARCHAR(80)", "VARCHAR(80) COLLATE {}", "TEXT", "CHAR(20)"])
def test_text_keys_order_by_their_utf8_bytes_whatever_the_collation(emptied_database: str, sql_type: str) -> None:
    collations = [name for (name,) in asked(emptied_database, "SELECT collname FROM pg_collation")]
    other = next(name for name in ("und-x-icu", "pg_c_utf8") if name in collations)
    sql_type = sql_type.format(f'"{other}"')
    keys = ["", "A", "B", "Z", "a", "a b", "a-b", "ab", "b", "z", "ß", "É", "é", "\uffff", "🎉", "0042", "42"]
    run(emptied_database, f"CREATE TABLE items (id {sql_type} PRIMARY KEY)")
    with connected(emptied_database) as connection:
        connection.cursor().executemany("INSERT INTO items VALUES (%s)", [(key,) for key in keys])
    table = TableSpec(source="items", collection="items", key=("id",), columns=(text("id"),))
    expected = sorted(((key,) for key in keys), key=lambda row: row[0].encode())
    with source_of(emptied_database).snapshot() as snapshot:
        assert all_rows(snapshot, table) == list(snapshot.keys(table)) == expected
        assert snapshot.rows_by_key(table, expected[::-1]) == expected


def test_uuid_keys_order_as_their_texts_do(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE items (id UUID PRIMARY KEY, other UUID)",
        "INSERT INTO items SELECT gen_random_uuid(), gen_random_uuid() FROM generate_series(1, 1500)",
    )
    columns = (text("id", sql_type="UUID"), ColumnSpec(name="other", sql_type="UUID", value=ValueType.UUID))
    table = TableSpec(source="items", collection="items", key=("id",), columns=columns)
    with source_of(emptied_database).snapshot() as snapshot:
        keys = list(snapshot.keys(table))
        assert keys == sorted(keys)
        assert all(str(uuid.UUID(key)) == key for (key,) in keys)
        rows = all_rows(snapshot, table)
        assert [row[:1] for row in rows] == keys
        assert type(rows[0][1]) is uuid.UUID
        assert snapshot.rows_by_key(table, keys[: KEYS_PER_QUERY + 1]) == rows[: KEYS_PER_QUERY + 1]
        assert snapshot.rows_by_key(table, [(str(uuid.uuid4()),)]) == []


def test_composite_keys_order_part_by_part_and_numbers_by_value(emptied_database: str) -> None:
    run(emptied_database, PAIRS_DDL)
    pairs = [(name, team, "n") for team in (-1, 2, 10, 100) for name in ("Z", "a", "é")]
    with connected(emptied_database) as connection:
        connection.cursor().executemany("INSERT INTO pairs VALUES (%s, %s, %s)", pairs[::-1])
    with source_of(emptied_database).snapshot() as snapshot:
        assert all_rows(snapshot, PAIRS) == pairs
        keys = [(team, name) for name, team, _ in pairs]
        assert list(snapshot.keys(PAIRS)) == keys
        assert snapshot.rows_by_key(PAIRS, [keys[5], keys[0], (2, "nobody")]) == [pairs[0], pairs[5]]


def test_rows_can_be_asked_for_by_other_columns_first(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, at TIMESTAMPTZ NOT NULL)",
        "INSERT INTO items SELECT i, timestamptz '2025-01-01+00' + ((i * 7) % 10) * interval '1 hour' "
        "FROM generate_series(1, 100) i",
    )
    table = TableSpec(source="items", collection="items", key=("id",), columns=(integer("id"), utc("at")))
    with source_of(emptied_database).snapshot() as snapshot:
        rows = all_rows(snapshot, table, ["at"])
        assert rows == sorted(all_rows(snapshot, table), key=lambda row: (row[1], row[0]))
    assert rows[0][0] == 10


def test_a_commit_between_two_reads_does_not_show(emptied_database: str) -> None:
    run(emptied_database, ITEMS_DDL, FILL)
    rows = [item(number) for number in range(ROWS)]
    with source_of(emptied_database).snapshot() as snapshot:
        batches = snapshot.batches(ITEMS)
        read = next(batches)
        run(
            emptied_database,
            "DELETE FROM items WHERE amount >= 4000",
            "UPDATE items SET id = 'z' || id, note = 'changed' WHERE amount >= 3000",
        )
        read += [row for batch in batches for row in batch]
        assert read == rows
        assert snapshot.count(ITEMS) == ROWS
        assert list(snapshot.keys(ITEMS)) == [row[:1] for row in rows]
        assert snapshot.rows_by_key(ITEMS, [("item-03500",), ("item-04500",), ("z",)]) == [item(3500), item(4500)]
    with source_of(emptied_database).snapshot() as later:
        assert later.count(ITEMS) == len(all_rows(later, ITEMS)) == 4000


def test_repeated_keys_of_a_view_are_counted_and_named(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE rows (id VARCHAR(36), amount INTEGER, note VARCHAR(80))",
        "INSERT INTO rows SELECT id, 1, 'x' FROM unnest(ARRAY['b', 'a', 'b', 'c', 'B', 'b', 'B']) id",
        "CREATE VIEW items AS SELECT * FROM rows",
    )
    with source_of(emptied_database).snapshot() as snapshot:
        assert snapshot.duplicate_keys(ITEMS) == 5
        assert list(snapshot.repeated_keys(ITEMS)) == [("B",), ("b",)]
        assert len(snapshot.rows_by_key(ITEMS, [("b",)])) == 3
        assert [row[0] for row in all_rows(snapshot, ITEMS)] == ["B", "B", "a", "b", "b", "b", "c"]


def test_an_optional_column_that_is_not_there_reads_as_null(emptied_database: str) -> None:
    columns = (text("id", 36), integer("amount", nullable=True), text("extra", nullable=True, optional=True))
    table = TableSpec(source="items", collection="items", key=("id",), columns=columns)
    reference = Reference(column="extra", targets=(("items", "id"),))
    run(emptied_database, ITEMS_DDL, FILL)
    with source_of(emptied_database).snapshot() as snapshot:
        assert all_rows(snapshot, table)[7] == ("item-00007", 7, None)
        assert snapshot.rows_by_key(table, [("item-00007",)]) == [("item-00007", 7, None)]
        assert snapshot.orphans(table, reference).count == 0


def test_references_that_lead_nowhere_are_counted_across_types(emptied_database: str) -> None:
    known, unknown = str(uuid.uuid4()), [str(uuid.uuid4()) for _ in range(EXAMPLES + 5)]
    run(
        emptied_database,
        "CREATE TABLE parents (id VARCHAR(36) PRIMARY KEY, number BIGINT)",
        f"INSERT INTO parents VALUES ('{known}', 5), ('free text', NULL)",
        "CREATE TABLE children (id SMALLINT PRIMARY KEY, parent UUID, number INTEGER)",
        f"INSERT INTO children VALUES (1, '{known}', 5), (2, NULL, 6)",
        *(f"INSERT INTO children VALUES ({number}, '{one}', NULL)" for number, one in enumerate(unknown, 3)),
    )
    columns = (integer("id"), text("parent", sql_type="UUID", nullable=True), integer("number", nullable=True))
    table = TableSpec(source="children", collection="children", key=("id",), columns=columns)
    by_text = Reference(column="parent", targets=(("parents", "id"),))
    by_number = Reference(column="number", targets=(("parents", "number"),))
    both = Reference(column="number", targets=(("parents", "number"), ("children", "id")))
    with source_of(emptied_database).snapshot() as snapshot:
        found = snapshot.orphans(table, by_text)
        assert (found.count, found.reference) == (len(unknown), by_text)
        assert found.examples == tuple(((number,), one) for number, one in enumerate(unknown[:EXAMPLES], 3))
        assert snapshot.orphans(table, by_number).examples == (((2,), 6),)
        assert snapshot.orphans(table, both).count == 0
        assert snapshot.restorable_texts("parents", "id") == {}


def test_a_small_table_is_looked_up_by_its_texts(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE kinds (id UUID PRIMARY KEY, number INTEGER, name VARCHAR(20), team INTEGER)",
        "INSERT INTO kinds VALUES ('AAAAAAAA-0000-0000-0000-000000000001', 1, 'hush-hush', 1), "
        "('aaaaaaaa-0000-0000-0000-000000000002', 2, NULL, 1), ('aaaaaaaa-0000-0000-0000-000000000003', NULL, 'x', 2)",
    )
    first, second, third = (f"aaaaaaaa-0000-0000-0000-00000000000{number}" for number in (1, 2, 3))
    with source_of(emptied_database).snapshot() as snapshot:
        assert snapshot.lookup("kinds", "id", "name") == {first: "hush-hush", second: None, third: "x"}
        assert snapshot.lookup("kinds", "number", "id") == {"1": first, "2": second}
        assert snapshot.lookup("kinds", "team", "team") == {"1": "1", "2": "2"}
        with pytest.raises(SourceError, match="rows with the same team differ in name") as caught:
            snapshot.lookup("kinds", "team", "name")
        assert "hush" not in str(caught.value)
        with pytest.raises(SourceError, match=r"kinds with id, title is missing \(found: id, number, name, team\)"):
            snapshot.lookup("kinds", "id", "title")


def test_names_need_no_care(emptied_database: str) -> None:
    run(
        emptied_database,
        'CREATE SCHEMA "My Schema"',
        'CREATE TABLE "My Schema"."50% of ""it"" all" ("a % b" INTEGER PRIMARY KEY, "Select" TEXT, "%(x)s" TEXT)',
        """INSERT INTO "My Schema"."50% of ""it"" all" VALUES (1, '100 %', '%s')""",
    )
    table = TableSpec(
        source='My Schema.50% of "it" all',
        collection="strange",
        key=("a % b",),
        columns=(integer("a % b"), text("Select"), text("%(x)s")),
    )
    with source_of(emptied_database).snapshot() as snapshot:
        assert snapshot.tables() == (table.source,)
        assert snapshot.rows_by_key(table, [(1,)]) == all_rows(snapshot, table) == [(1, "100 %", "%s")]
        assert snapshot.primary_key(table.source) == ("a % b",)


def test_another_encoding_comes_as_the_same_texts_in_the_same_order(emptied_database: str) -> None:
    name = emptied_database.rpartition("/")[2] + "_2"
    url = f"{emptied_database}_2"
    run(emptied_database, f"CREATE DATABASE {name} ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0")
    try:
        run(url, "CREATE TABLE items (id VARCHAR(36) PRIMARY KEY)")
        keys = ["z", "é", "ア", "日", "本", "Ａ", "ｱ", "亜", "龠"]
        with connected(url) as connection:
            connection.cursor().executemany("INSERT INTO items VALUES (%s)", [(key,) for key in keys])
        stored = [key for (key,) in asked(url, "SELECT id FROM items ORDER BY id")]
        table = TableSpec(source="items", collection="items", key=("id",), columns=(text("id", 36),))
        with source_of(url).snapshot() as snapshot:
            read = [key for (key,) in snapshot.keys(table)]
        assert read == sorted(keys)
        assert read != stored
    finally:
        run(emptied_database, f"DROP DATABASE {name} WITH (FORCE)")
