"""Every PostgreSQL type becomes what its policy says, or is named before a row is read."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions

from atlas_pipeline.errors import SourceError, SpecError
from atlas_pipeline.extract.describe import describe_table
from atlas_pipeline.extract.schema import inspect_schema, require_schema
from atlas_pipeline.load.bson_order import sort_key
from atlas_pipeline.mapping.keys import KeyCodec
from atlas_pipeline.mapping.mapper import MappedBatch, Mapper
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract import postgres_every_type as every_type
from atlas_pipeline_tests.extract.postgres_databases import all_rows, run, source_of

_AWARE: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


def documents(mapped: MappedBatch) -> list[dict[str, Any]]:
    assert mapped.rejects == []
    return [bson.decode(document, _AWARE) for document in mapped.documents]


def table_of(*columns: ColumnSpec) -> TableSpec:
    return TableSpec(source="items", collection="items", key=("id",), columns=(integer("id"), *columns))


def loaded(url: str, *columns: ColumnSpec) -> list[dict[str, Any]]:
    table = table_of(*columns)
    with source_of(url).snapshot() as snapshot:
        require_schema(inspect_schema(snapshot, [table]))
        return documents(Mapper(table).map_batch(all_rows(snapshot, table)))


def column(name: str, sql_type: str, value: ValueType, **options: Any) -> ColumnSpec:
    return ColumnSpec(name=name, sql_type=sql_type, value=value, **options)


def test_a_table_with_every_type_is_described_loaded_and_holds_what_its_policy_says(emptied_database: str) -> None:
    cases = every_type.cases(emptied_database)
    run(emptied_database, *every_type.SETUP, *every_type.create("every_type", cases))
    with source_of(emptied_database).snapshot() as snapshot:
        table = describe_table(snapshot, "every_type")
        assert inspect_schema(snapshot, [table])[0].retyped == ()
        require_schema(inspect_schema(snapshot, [table]))
        full, empty = documents(Mapper(table).map_batch(all_rows(snapshot, table)))
        assert snapshot.rows_by_key(table, [(1,), (2,)])[1][0] == 2
    assert table.column_names == ("id", *(name for name, *_ in cases))
    for name, sql_type, _, value, expected in cases:
        described = table.column(name)
        assert (name, described.value) == (name, value)
        assert described.sql_type == every_type.SPELLED.get(name, sql_type.upper())
        found = full.pop(name)
        assert (name, bson.encode({"": found})) == (name, bson.encode({"": expected}))
        assert (name, type(found)) == (name, type(expected))
        assert described.nullable is (name != "work_email")
        assert empty.pop(name) == (None if described.nullable else "x@y")
    assert (full, empty) == ({"_id": 1}, {"_id": 2})


def test_the_types_of_both_shapes_of_an_application_give_the_same_documents(emptied_database: str) -> None:
    columns = (
        column("ref", "UUID or VARCHAR(36)", ValueType.TEXT),
        column("raw", "UUID or VARCHAR(36)", ValueType.UUID),
        column("facts", "JSONB or TEXT", ValueType.JSON_OBJECT),
        column("names", "JSONB or TEXT", ValueType.JSON_ARRAY),
        column("any", "JSON or TEXT", ValueType.JSON),
        column("at", "TIMESTAMPTZ or TIMESTAMP", ValueType.DATETIME),
        column("score", "DOUBLE PRECISION or REAL", ValueType.DOUBLE),
        column("kind", "VARCHAR(50) or TEXT", ValueType.TEXT),
    )
    rows = f"""INSERT INTO items VALUES (1, '{every_type.RAW_UUID}', '{every_type.RAW_UUID}', '{{"b": 2, "a": "x"}}',
        '["n"]', 'null', '2025-03-30 00:30:00.123', 0.5, 'k')"""
    found = []
    for real in (
        "UUID UUID JSONB JSONB JSON TIMESTAMPTZ FLOAT8 VARCHAR(50)",
        "VARCHAR(36) VARCHAR(36) TEXT TEXT TEXT TIMESTAMP REAL TEXT",
    ):
        declared = ", ".join(f'"{one.name}" {sql}' for one, sql in zip(columns, real.split(), strict=True))
        run(emptied_database, f"CREATE TABLE items (id BIGINT PRIMARY KEY, {declared})", rows)
        table = table_of(*columns[:4], column("any", "JSON or TEXT", ValueType.JSON, nullable=True), *columns[5:])
        with source_of(emptied_database).snapshot() as snapshot:
            (finding,) = inspect_schema(snapshot, [table])
            assert (finding.missing, finding.retyped, finding.unknown) == ((), ("id: BIGINT instead of INTEGER",), ())
            found.append(Mapper(table).map_batch(all_rows(snapshot, table)).documents)
        run(emptied_database, "DROP TABLE items")
    assert len(found[0]) == 1
    assert found[0] == found[1]
    assert bson.decode(found[0][0], _AWARE)["at"] == every_type.MOMENT


def test_moments_without_a_zone_are_of_the_zone_of_their_column(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, plain TIMESTAMP, berlin TIMESTAMP, zoned TIMESTAMPTZ)",
        "INSERT INTO items SELECT i, at, at, (at::text || '+00')::timestamptz FROM (VALUES "
        "(1, timestamp '2025-01-15 12:00'), (2, '2025-07-15 12:00'), (3, '2025-10-26 02:30')) v (i, at)",
    )
    found = loaded(
        emptied_database,
        utc("plain", sql_type="TIMESTAMP"),
        column("berlin", "TIMESTAMP", ValueType.DATETIME, zone="Europe/Berlin"),
        column("zoned", "TIMESTAMPTZ", ValueType.DATETIME, zone="Europe/Berlin"),
    )
    assert [one["berlin"].hour for one in found] == [11, 10, 0]
    assert [one["plain"] for one in found] == [one["zoned"] for one in found]
    assert found[0]["zoned"] == datetime(2025, 1, 15, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("sql_type", "value", "wanted", "expected"),
    [
        ("SMALLINT", "1", ValueType.BOOLEAN, True),
        ("INTEGER", "7", ValueType.DOUBLE, 7.0),
        ("BIGINT", "7", ValueType.DECIMAL, bson.Decimal128("7")),
        ("UUID", f"'{every_type.RAW_UUID}'", ValueType.UUID, every_type.BINARY_UUID),
        ("TEXT", "'a, b'", ValueType.TEXT_LIST, ["a", "b"]),
        ("JSONB", """'["a", "b"]'""", ValueType.TEXT_LIST, ["a", "b"]),
        ("POINT", "'(1,2)'", ValueType.TEXT, "(1,2)"),
        ("TIMESTAMP", "'2025-03-30 02:30:00.5'", ValueType.TEXT, "2025-03-30 02:30:00.5"),
        ("BYTEA", "'A'", ValueType.TEXT, "\\x41"),
        ("INTEGER[]", "'{1,2}'", ValueType.TEXT, "{1,2}"),
    ],
)
def test_a_spec_may_choose_what_else_the_policy_allows(
    emptied_database: str, sql_type: str, value: str, wanted: ValueType, expected: Any
) -> None:
    run(
        emptied_database,
        f"CREATE TABLE items (id INTEGER PRIMARY KEY, a {sql_type})",
        f"INSERT INTO items VALUES (1, {value})",
    )
    (found,) = loaded(emptied_database, column("a", sql_type, wanted))
    assert (found["a"], type(found["a"])) == (expected, type(expected))


@pytest.mark.parametrize(
    ("sql_type", "wanted", "items"),
    [
        ("INTEGER", ValueType.TEXT, None),
        ("TEXT", ValueType.INTEGER, None),
        ("TEXT", ValueType.DATETIME, None),
        ("TIMESTAMP", ValueType.DATE, None),
        ("NUMERIC(10,2)", ValueType.DOUBLE, None),
        ("DOUBLE PRECISION", ValueType.INTEGER, None),
        ("JSONB", ValueType.TEXT, None),
        ("BYTEA", ValueType.TEXT, None),
        ("TEXT[]", ValueType.JSON_ARRAY, None),
        ("TEXT[]", ValueType.ARRAY, ValueType.INTEGER),
        ("TEXT", ValueType.ARRAY, ValueType.TEXT),
    ],
)
def test_a_column_that_cannot_be_read_as_its_spec_wants_is_named_before_a_row_is_read(
    emptied_database: str, sql_type: str, wanted: ValueType, items: ValueType | None
) -> None:
    run(emptied_database, f"CREATE TABLE items (id INTEGER PRIMARY KEY, odd {sql_type})")
    table = table_of(column("odd", "WHATEVER", wanted, items=items))
    with source_of(emptied_database).snapshot() as snapshot:
        findings = inspect_schema(snapshot, [table])
        with pytest.raises(SourceError) as caught:
            require_schema(findings)
        for word in ("items", "odd", sql_type, str(wanted), "WHATEVER"):
            assert word in caught.value.message
        with pytest.raises(SourceError, match="odd"):
            list(snapshot.batches(table))


def test_a_type_without_a_policy_is_named(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE DOMAIN snapshot AS pg_snapshot",
        "CREATE TABLE items (id INTEGER PRIMARY KEY, good TEXT, a pg_snapshot, b XID[], c snapshot)",
    )
    table = table_of(text("good"), text("a", sql_type="PG_SNAPSHOT"))
    with source_of(emptied_database).snapshot() as snapshot:
        (finding,) = inspect_schema(snapshot, [table])
        assert finding.missing == ("Table items: column a is PG_SNAPSHOT, and no policy covers it.",)
        assert finding.unknown == ("b", "c")
        with pytest.raises(SourceError) as caught:
            describe_table(snapshot, "items")
    assert "a (PG_SNAPSHOT), b (XID[]), c (SNAPSHOT)" in caught.value.message
    assert "good" not in caught.value.message


def test_what_cannot_be_described_is_said(emptied_database: str) -> None:
    run(emptied_database, "CREATE TABLE items (a INTEGER, b TEXT)", "CREATE VIEW seen AS SELECT * FROM items")
    with source_of(emptied_database).snapshot() as snapshot:
        with pytest.raises(SourceError, match="Table itens is missing"):
            describe_table(snapshot, "itens")
        with pytest.raises(SpecError, match="items has no primary key"):
            describe_table(snapshot, "items")
        table = describe_table(snapshot, "seen", collection="views", key=("b", "a"))
    assert (table.source, table.collection, table.key) == ("seen", "views", ("b", "a"))
    assert [(one.name, one.value, one.nullable) for one in table.columns] == [
        ("a", ValueType.INTEGER, False),
        ("b", ValueType.TEXT, False),
    ]


@pytest.mark.parametrize(
    ("sql_type", "values"),
    [
        ("UUID", ["'00000000-0000-0000-0000-00000000000a'", "'F0000000-0000-0000-0000-000000000000'"]),
        ("TIMESTAMP", ["'2024-12-31 23:59:59.5'", "'2025-01-01'", "'0044-03-15 BC'", "'infinity'"]),
        ("DATE", ["'2025-01-01'", "'2024-12-31'"]),
        ("NUMERIC(20,5)", ["10", "9.5", "-1"]),
        ("BOOLEAN", ["true", "false"]),
        ("INET", ["'10.0.0.2'", "'10.0.0.10'"]),
        ("BYTEA", ["'\\xff'", "'\\x0000'"]),
        ("JSONB", ["'1'", "'[2]'"]),
    ],
)
def test_a_key_of_any_type_keeps_one_order_and_is_found_again_by_its_id(
    emptied_database: str, sql_type: str, values: list[str]
) -> None:
    run(
        emptied_database,
        f"CREATE TABLE items (id {sql_type} PRIMARY KEY)",
        f"INSERT INTO items VALUES {', '.join(f'({value})' for value in values)}",
    )
    with source_of(emptied_database).snapshot() as snapshot:
        table = describe_table(snapshot, "items")
        keys = list(snapshot.keys(table))
        assert len(keys) == len(values)
        assert keys == sorted(keys)
        assert snapshot.rows_by_key(table, keys) == all_rows(snapshot, table) == keys
        codec = KeyCodec(table)
        ids = [one["_id"] for one in documents(Mapper(table).map_batch(keys))]
        assert snapshot.rows_by_key(table, [codec.source_key(one) or () for one in ids]) == keys
        assert ids == sorted(ids, key=sort_key) or not codec.order_preserving


def test_decimals_that_bson_cannot_hold_refuse_their_rows_alone(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, a NUMERIC)",
        "INSERT INTO items VALUES (1, 1234567890123456789012345678901234), (2, 12345678901234567890123456789012345), "
        "(3, 1e40), (4, 1e-6177), (5, 1e-6176)",
    )
    table = table_of(column("a", "NUMERIC", ValueType.DECIMAL))
    with source_of(emptied_database).snapshot() as snapshot:
        rows = all_rows(snapshot, table)
    assert type(rows[0][1]) is Decimal
    mapped = Mapper(table).map_batch(rows)
    assert mapped.ids == [1, 5]
    assert [(reject.key, reject.column, str(reject.code)) for reject in mapped.rejects] == [
        ((2,), "a", "not_number"),
        ((3,), "a", "not_number"),
        ((4,), "a", "not_number"),
    ]
