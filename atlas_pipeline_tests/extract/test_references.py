"""References that lead nowhere, and texts that a numeric column has turned into numbers, are found exactly."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from pathlib import Path

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.extract.sqlite_snapshot import EXAMPLES
from atlas_pipeline.local.sample.generate import SampleFacts, write_dirty_sample, write_sample
from atlas_pipeline.local.sample.size import SampleSize
from atlas_pipeline.spec.shorthand import integer, text
from atlas_pipeline.spec.tables import Reference, TableSpec
from atlas_pipeline_tests.extract.source_files import all_rows, database, fill, source_of

SMALL = SampleSize.default().scaled(0.02)
TO_EITHER = Reference(column="ref", targets=(("lefts", "name"), ("rights", "id")))
TO_LEFT = Reference(column="ref", targets=(("lefts", "name"),))
REFS = TableSpec(
    source="refs",
    collection="refs",
    key=("id",),
    columns=(integer("id"), text("ref", nullable=True)),
    references=(TO_EITHER,),
)


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, SampleFacts]:
    path = tmp_path_factory.mktemp("sample") / "source" / "sample.sqlite3"
    return path, write_sample(path, size=SMALL)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file whose rows refer to `lefts`, a table that holds a NULL, and to the integer keys of `rights`."""
    (tmp_path / "source").mkdir()
    path = tmp_path / "source" / "refs.sqlite3"
    with database(path) as connection:
        connection.execute("CREATE TABLE refs (id INTEGER PRIMARY KEY, ref VARCHAR(36))")
        connection.execute("CREATE TABLE lefts (name VARCHAR(36))")
        connection.execute("CREATE TABLE rights (id INTEGER PRIMARY KEY)")
        fill(connection, "lefts", [("a",), (None,), ("b",)])
        fill(connection, "rights", [(1,), (2,)])
        fill(connection, "refs", [(1, "a"), (2, "2"), (3, "A"), (4, None), (5, "3"), (6, "b"), (7, "b ")])
    return path


def test_the_orphans_of_the_sample_are_exactly_the_planted_ones(sample: tuple[Path, SampleFacts]) -> None:
    path, facts = sample
    planted = defaultdict(set)
    for orphan in facts.orphans:
        planted[orphan.table, orphan.column].add(orphan.key)
    found = defaultdict(set)
    references = 0
    with source_of(path).snapshot() as snapshot:
        for table in INFRASTRUCTURE_ATLAS.tables:
            for reference in table.references:
                references += 1
                orphans = snapshot.orphans(table, reference)
                assert orphans.count == len(orphans.examples)
                for (key,), value in orphans.examples:
                    found[table.source, reference.column].add(key)
                    assert value is not None
    assert references == 18
    assert found == planted


def test_a_value_that_one_of_two_targets_holds_is_no_orphan(path: Path) -> None:
    with source_of(path).snapshot() as snapshot:
        either, left = snapshot.orphans(REFS, TO_EITHER), snapshot.orphans(REFS, TO_LEFT)
    assert (either.count, either.examples) == (3, (((3,), "A"), ((5,), "3"), ((7,), "b ")))
    assert (left.count, [key for key, _ in left.examples]) == (4, [(2,), (3,), (5,), (7,)])


def test_all_orphans_are_counted_and_the_first_ones_are_named(path: Path) -> None:
    with database(path) as connection:
        fill(connection, "refs", [(number, f"nobody-{number}") for number in range(100, 200)])
    with source_of(path).snapshot() as snapshot:
        found = snapshot.orphans(REFS, TO_EITHER)
    assert (found.count, len(found.examples)) == (103, EXAMPLES)
    assert [key for (key,), _ in found.examples] == [3, 5, 7, *range(100, 117)]


def test_an_orphan_that_is_no_utf8_is_counted_and_shown_as_bytes(path: Path) -> None:
    with database(path) as connection:
        connection.execute("DELETE FROM refs")
        connection.execute("INSERT INTO refs VALUES (1, CAST(? AS TEXT))", (b"caf\xe9",))
    with source_of(path).snapshot() as snapshot:
        assert snapshot.orphans(REFS, TO_EITHER).examples == (((1,), b"caf\xe9"),)


def test_a_number_refers_to_the_text_that_looks_like_it(sample: tuple[Path, SampleFacts]) -> None:
    """The column is declared INTEGER, so the source keeps 1024 for '1024' and 42 for '0042'."""
    usage = INFRASTRUCTURE_ATLAS.table("playground_usage")
    path, _ = sample
    with source_of(path).snapshot() as snapshot:
        numbers = {row[1] for row in all_rows(snapshot, usage) if isinstance(row[1], int)}
        texts = snapshot.restorable_texts("users", "id")
    assert numbers == {42, 1024, 987654321}
    assert texts == {42: ("0042",), 1024: ("1024",)}


def test_the_references_of_a_dirty_source_can_be_counted(tmp_path: Path) -> None:
    path = tmp_path / "source" / "dirty.sqlite3"
    facts = write_dirty_sample(path, size=SMALL)
    with source_of(path).snapshot() as snapshot:
        for table in INFRASTRUCTURE_ATLAS.tables:
            assert snapshot.count(table) == facts.rows[table.source] == len(all_rows(snapshot, table))
            for reference in table.references:
                planted = {o.key for o in facts.orphans if (o.table, o.column) == (table.source, reference.column)}
                found = snapshot.orphans(table, reference)
                assert planted <= {key for (key,), _ in found.examples}
                assert found.count == len(found.examples)


def test_texts_are_restored_for_exactly_the_numbers_that_the_source_makes_of_them(path: Path) -> None:
    texts = ["42", "0042", " 42", "42 ", "+42", "42.0", "4.2e1", "-5", "1e3", "1024", "007", "9223372036854775807"]
    others = ["", "u-1", "42a", "a42", "4 2", "0x10", "1.5", "9223372036854775808", "1e400", "٤٢", "-", ".", "null"]
    with database(path) as connection:
        connection.execute("CREATE TABLE users (id VARCHAR(36) PRIMARY KEY)")
        fill(connection, "users", [(each,) for each in texts + others])
    with source_of(path).snapshot() as snapshot:
        found = snapshot.restorable_texts("users", "id")
    expected: dict[int, set[str]] = defaultdict(set)
    judge = sqlite3.connect(":memory:")
    judge.execute("CREATE TABLE numbers (n INTEGER)")
    for each in texts + others:
        ((number, kind),) = judge.execute("INSERT INTO numbers VALUES (?) RETURNING n, typeof(n)", (each,)).fetchall()
        if kind == "integer":
            expected[number].add(each)
    judge.close()
    assert {number: set(each) for number, each in found.items()} == expected
    assert set().union(*expected.values()) == set(texts)
