"""Text that is not UTF-8 costs the row that holds it, and no other row."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from atlas_pipeline.extract.snapshot import Row, Undecodable
from atlas_pipeline.spec.shorthand import text
from atlas_pipeline.spec.tables import TableSpec
from atlas_pipeline_tests.extract.source_files import (
    ITEMS,
    PAIRS,
    all_rows,
    database,
    fill,
    item,
    source_of,
    write_items,
)

LATIN = b"caf\xe9"
LOOSE_DDL = "CREATE TABLE items (id VARCHAR(36), amount INTEGER, note VARCHAR(80))"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source" / "items.sqlite3"


def spoil(connection: sqlite3.Connection, amount: int, column: str = "note") -> None:
    connection.execute(f"UPDATE items SET {column} = CAST(? AS TEXT) WHERE amount = ?", (LATIN, amount))


def amounts(rows: list[Row]) -> list[int]:
    return [amount for _, amount, _ in rows]


@pytest.mark.parametrize("bad", [[0], [1_999], [2_000], [3_210, 3_211, 4_999]])
def test_every_other_row_comes_once_and_in_order(path: Path, bad: list[int]) -> None:
    rows = [item(number) for number in range(5_000)]
    write_items(path, rows)
    with database(path) as connection:
        for number in bad:
            spoil(connection, number)
    with source_of(path).snapshot() as snapshot:
        found = all_rows(snapshot, ITEMS)
        again = all_rows(snapshot, ITEMS)
    assert [row for row in found if row[1] not in bad] == [row for row in rows if row[1] not in bad]
    assert [(row[0], row[2]) for row in found if row[1] in bad] == [(f"item-{n:05}", LATIN) for n in bad]
    assert {row[1] for row in found if isinstance(row[2], Undecodable)} == set(bad)
    assert again == found


def test_bytes_that_are_no_text_stay_plain_bytes_beside_bad_text(path: Path) -> None:
    write_items(path, [("a", 1, LATIN), ("b", 2, "n")])
    with database(path) as connection:
        spoil(connection, 2)
    with source_of(path).snapshot() as snapshot:
        assert [type(row[2]) for row in all_rows(snapshot, ITEMS)] == [bytes, Undecodable]


def test_rows_without_a_key_are_passed_once(path: Path) -> None:
    """The last key of the batch before is NULL, with which nothing compares."""
    with database(path) as connection:
        connection.execute(LOOSE_DDL)
        fill(connection, "items", [(None, number, None) for number in range(2_500)])
        fill(connection, "items", [item(number) for number in range(2_500, 5_000)])
        spoil(connection, 4_900)
    with source_of(path).snapshot() as snapshot:
        assert sorted(amounts(all_rows(snapshot, ITEMS))) == list(range(5_000))


def test_rows_that_share_a_key_across_two_batches_are_all_read(path: Path) -> None:
    with database(path) as connection:
        connection.execute(LOOSE_DDL)
        fill(connection, "items", [(f"{1_991 if 1_990 < n < 2_010 else n:05}", n, None) for n in range(2_500)])
        spoil(connection, 2_400)
    with source_of(path).snapshot() as snapshot:
        found = all_rows(snapshot, ITEMS)
    assert sorted(amounts(found)) == list(range(2_500))
    assert [row[0] for row in found] == sorted(row[0] for row in found)


def test_bad_text_in_a_key_is_read_in_rows_and_in_keys(path: Path) -> None:
    write_items(path, [item(number) for number in range(10)])
    with database(path) as connection:
        spoil(connection, 5, column="id")
    with source_of(path).snapshot() as snapshot:
        keys = list(snapshot.keys(ITEMS))
        assert (len(keys), keys[0]) == (10, (Undecodable(LATIN),))  # its first letter comes before the others'
        assert [row[:1] for row in all_rows(snapshot, ITEMS)] == keys
        assert snapshot.rows_by_key(ITEMS, keys[1:]) == [item(n) for n in range(10) if n != 5]
        assert all(type(key) is str for (key,) in keys[1:])


def test_rows_found_by_key_may_hold_bad_text(path: Path) -> None:
    write_items(path, [item(1), item(2)])
    with database(path) as connection:
        spoil(connection, 2)
    with source_of(path).snapshot() as snapshot:
        assert snapshot.rows_by_key(ITEMS, [("item-00001",), ("item-00002",)]) == [item(1), ("item-00002", 2, LATIN)]
        assert snapshot.rows_by_key(ITEMS, [("item-00001",)]) == [item(1)]


@pytest.mark.parametrize("encoding", ["UTF-8", "UTF-16le"])
def test_a_composite_key_is_read_on_in_the_same_order(path: Path, encoding: str) -> None:
    """In a UTF-16 file half of a surrogate pair is what has no UTF-8 form."""
    bad = b"A\0\0\xd8" if encoding == "UTF-16le" else LATIN
    with database(path, encoding=encoding) as connection:
        connection.execute("CREATE TABLE pairs (account VARCHAR(36), team INTEGER, note VARCHAR(80))")
        names = ("\uffee", "𠮷", "é", "a")
        fill(connection, "pairs", [(f"{names[n % 4]}{n:05}", n % 3, None) for n in range(5_000)])
        spoiled = f"UPDATE pairs SET note = CAST(x'{bad.hex()}' AS TEXT) WHERE team = 2 AND account LIKE '𠮷%'"
        connection.execute(spoiled)
    with source_of(path).snapshot() as snapshot:
        rows = all_rows(snapshot, PAIRS)
    notes = [note for _, _, note in rows if note is not None]
    assert [(team, account) for account, team, _ in rows] == sorted(
        (n % 3, f"{names[n % 4]}{n:05}") for n in range(5_000)
    )
    assert len(notes) > 400
    assert all(isinstance(note, Undecodable) for note in notes)


def test_bad_text_among_large_values_is_read_in_bounded_batches(path: Path) -> None:
    table = TableSpec(source="items", collection="t", key=("id",), columns=(text("id", 36), text("note")))
    write_items(path, [(f"{number:03}", number, "x" * 200_000) for number in range(100)])
    with database(path) as connection:
        spoil(connection, 90)
    with source_of(path).snapshot() as snapshot:
        batches = list(snapshot.batches(table))
    assert [key for batch in batches for key, _ in batch] == [f"{number:03}" for number in range(100)]
    assert len(batches) > 2
    assert [key for batch in batches for key, note in batch if isinstance(note, Undecodable)] == ["090"]
