"""Values that Python or BSON cannot hold refuse their own rows, and nobody else's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from atlas_pipeline.extract.batching import FETCH_ROWS
from atlas_pipeline.extract.snapshot import Row, Undecodable
from atlas_pipeline.mapping.mapper import Mapper
from atlas_pipeline.spec.columns import ColumnSpec, ValueType
from atlas_pipeline.spec.shorthand import integer, text, utc
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.postgres_databases import all_rows, asked, connected, run, source_of

BEYOND = {
    "infinity": b"infinity",
    "-infinity": b"-infinity",
    "0044-03-15 12:30:00.25 BC": b"-0043-03-15T12:30:00.250000",
    "0001-12-31 23:59:59 BC": b"00000-12-31T23:59:59.000000",
    "10000-01-01 00:00:00": b"10000-01-01T00:00:00.000000",
    "294276-12-31 23:59:59.999999": b"294276-12-31T23:59:59.999999",
    "4713-11-24 00:00:00 BC": b"-4712-11-24T00:00:00.000000",
}
"""Moments of PostgreSQL that Python does not have -> how they are shown to people."""
NUMBERED = "FROM generate_series(1, 2500) i"


def table_of(*columns: ColumnSpec) -> TableSpec:
    return TableSpec(source="items", collection="items", key=("id",), columns=(integer("id"), *columns))


def as_text(shown: bytes, *, days: bool = False) -> bytes:
    return shown.partition(b"T")[0] if days else shown


@pytest.mark.parametrize("sql_type", ["TIMESTAMP", "TIMESTAMPTZ", "DATE", "TIMESTAMP[]"])
def test_moments_outside_the_years_1_to_9999_refuse_their_rows_alone(emptied_database: str, sql_type: str) -> None:
    base, is_array = sql_type.removesuffix("[]"), sql_type.endswith("[]")
    beyond = [value for value in BEYOND if base != "DATE" or not value.startswith(("294276",))]
    run(emptied_database, f"CREATE TABLE items (id INTEGER PRIMARY KEY, at {sql_type})")
    good = f"'2025-01-01'::{base}"
    run(emptied_database, f"INSERT INTO items SELECT i, {f'ARRAY[{good}]' if is_array else good} {NUMBERED}")
    places = {2 * FETCH_ROWS + 7 + 300 * number: value for number, value in enumerate(beyond)}
    for place, value in places.items():
        one = f"'{value}'::{base}"
        run(
            emptied_database,
            f"UPDATE items SET at = {f'ARRAY[{good}, {one}]' if is_array else one} WHERE id = {place}",
        )

    value_type = ValueType.DATE if base == "DATE" else ValueType.DATETIME
    column = ColumnSpec(
        name="at",
        sql_type=sql_type,
        value=ValueType.ARRAY if is_array else value_type,
        items=value_type if is_array else None,
    )
    with source_of(emptied_database).snapshot() as snapshot:
        rows = all_rows(snapshot, table_of(column))
        assert snapshot.rows_by_key(table_of(column), [(place,) for place in places]) == [
            row for row in rows if row[0] in places
        ]
    assert [row[0] for row in rows] == list(range(1, 2501))
    day = date(2025, 1, 1) if base == "DATE" else datetime(2025, 1, 1, tzinfo=None if is_array else UTC)
    for number, found in rows:
        shown = found[-1] if is_array else found
        if number in places:
            assert type(shown) is Undecodable
            assert shown == as_text(BEYOND[places[number]], days=base == "DATE")
        else:
            assert shown == day
    mapped = Mapper(table_of(column)).map_batch(rows)
    assert {reject.key[0]: str(reject.code) for reject in mapped.rejects} == dict.fromkeys(places, "not_date")
    assert all("infinity" not in reject.reason and "BC" not in reject.reason for reject in mapped.rejects)
    assert len(mapped.documents) == 2500 - len(places)


def test_the_first_and_last_moments_that_python_has_are_read(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, at TIMESTAMPTZ, day DATE)",
        "INSERT INTO items VALUES (1, '0001-01-01 00:00:00+00', '0001-01-01'), "
        "(2, '9999-12-31 23:59:59.999999+00', '9999-12-31')",
    )
    day = ColumnSpec(name="day", sql_type="DATE", value=ValueType.DATE)
    with source_of(emptied_database).snapshot() as snapshot:
        rows = all_rows(snapshot, table := table_of(utc("at", inexact="milliseconds"), day))
    assert [row[1] for row in rows] == [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ]
    assert len(Mapper(table).map_batch(rows).documents) == 2


def test_a_moment_that_leaves_the_years_by_its_zone_is_refused(emptied_database: str) -> None:
    run(
        emptied_database,
        "CREATE TABLE items (id INTEGER PRIMARY KEY, at TIMESTAMP)",
        "INSERT INTO items VALUES (1, '0001-01-01 00:00:00'), (2, '2025-01-01 01:00:00')",
    )
    at = ColumnSpec(name="at", sql_type="TIMESTAMP", value=ValueType.DATETIME, zone="Europe/Berlin")
    with source_of(emptied_database).snapshot() as snapshot:
        mapped = Mapper(table_of(at)).map_batch(all_rows(snapshot, table_of(at)))
    assert (mapped.ids, [str(reject.code) for reject in mapped.rejects]) == ([2], ["not_date"])


@pytest.fixture
def ascii_database(emptied_database: str) -> Iterator[str]:
    """A database that takes any bytes as text."""
    name = emptied_database.rpartition("/")[2] + "_2"
    run(emptied_database, f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0")
    yield f"{emptied_database}_2"
    run(emptied_database, f"DROP DATABASE {name} WITH (FORCE)")


def test_text_that_is_not_utf8_refuses_its_row_alone(ascii_database: str) -> None:
    run(ascii_database, "CREATE TABLE items (id INTEGER PRIMARY KEY, a VARCHAR(20), b TEXT[], c CHAR(9))")
    with connected(ascii_database) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")
        connection.execute(b"INSERT INTO items SELECT i, 'caf\xc3\xa9', '{x}', 'x' FROM generate_series(1, 500) i")
        connection.execute(b"UPDATE items SET a = 'caf\xe9' WHERE id = 250")
        connection.execute(b"UPDATE items SET b = ARRAY['x', E'caf\xe9'] WHERE id = 251")
        connection.execute(b"UPDATE items SET c = '\xff' WHERE id = 252")
    items = ColumnSpec(name="b", sql_type="TEXT[]", value=ValueType.ARRAY, items=ValueType.TEXT)
    table = table_of(text("a"), items, text("c", sql_type="CHAR(9)"))
    bad: dict[int, Row] = {
        250: (250, Undecodable(b"caf\xe9"), ["x"], "x"),
        251: (251, "café", ["x", Undecodable(b"caf\xe9")], "x"),
        252: (252, "café", ["x"], Undecodable(b"\xff")),
    }
    with source_of(ascii_database).snapshot() as snapshot:
        rows = all_rows(snapshot, table)
        assert snapshot.rows_by_key(table, [(250,), (251,), (252,)]) == list(bad.values())
    assert rows == [bad.get(number, (number, "café", ["x"], "x")) for number in range(1, 501)]
    mapped = Mapper(table).map_batch(rows)
    assert {reject.key[0]: (reject.column, str(reject.code)) for reject in mapped.rejects} == {
        250: ("a", "not_utf8"),
        251: ("b", "not_utf8"),
        252: ("c", "not_utf8"),
    }


def test_a_key_that_is_not_utf8_is_a_key_all_the_same(ascii_database: str) -> None:
    run(ascii_database, "CREATE TABLE items (id TEXT PRIMARY KEY)")
    with connected(ascii_database) as connection:
        connection.execute("SET client_encoding = 'SQL_ASCII'")
        connection.execute(b"INSERT INTO items VALUES ('a'), ('caf\xe9'), ('z')")
    assert asked(ascii_database, "SELECT count(*) FROM items") == [(3,)]
    table = TableSpec(source="items", collection="items", key=("id",), columns=(text("id"),))
    with source_of(ascii_database).snapshot() as snapshot:
        keys = list(snapshot.keys(table))
        assert keys == all_rows(snapshot, table) == [("a",), (Undecodable(b"caf\xe9"),), ("z",)]
        assert snapshot.rows_by_key(table, keys) == keys
