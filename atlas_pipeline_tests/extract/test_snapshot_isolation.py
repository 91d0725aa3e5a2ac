"""Everything that is read of one snapshot is of one moment, and nobody who writes has to wait for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline_tests.extract.source_files import (
    ITEMS,
    MODES,
    all_rows,
    database,
    fill,
    item,
    source_of,
    write_items,
)

ROWS = 5_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder / "items.sqlite3"


def content(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.parent.iterdir() if not file.name.endswith("-shm")}


@pytest.mark.parametrize("mode", MODES)
def test_a_commit_between_two_reads_does_not_show(path: Path, mode: str) -> None:
    rows = [item(number) for number in range(ROWS)]
    write_items(path, rows, mode=mode)
    with database(path, mode) as writer, source_of(path).snapshot() as snapshot:
        writer.execute("INSERT INTO items VALUES ('a before the first read', 1, 'new')")
        batches = snapshot.batches(ITEMS)
        read = next(batches)
        writer.execute("DELETE FROM items WHERE amount >= 4000")
        writer.execute("UPDATE items SET id = 'z' || id, note = 'changed' WHERE amount >= 3000")
        read += [row for batch in batches for row in batch]
        assert read == rows
        assert snapshot.count(ITEMS) == ROWS
        assert list(snapshot.keys(ITEMS)) == [row[:1] for row in rows]
        assert snapshot.rows_by_key(ITEMS, [("item-03500",), ("item-04500",), ("z",)]) == [item(3500), item(4500)]
    with source_of(path).snapshot() as later:
        assert later.count(ITEMS) == 4001
        assert len(all_rows(later, ITEMS)) == 4001


@pytest.mark.parametrize("mode", MODES)
def test_a_writer_is_never_kept_waiting(path: Path, mode: str) -> None:
    write_items(path, [item(number) for number in range(ROWS)], mode=mode)
    with source_of(path).snapshot() as snapshot:
        batches = snapshot.batches(ITEMS)
        next(batches)
        with database(path, mode) as writer:  # would fail at once where it has to wait
            fill(writer, "items", [item(number) for number in range(ROWS, ROWS + 10)])
            assert writer.execute("SELECT count(*) FROM items").fetchone() == (ROWS + 10,)
        assert sum(map(len, batches)) == ROWS - 2_000


@pytest.mark.parametrize("mode", MODES)
def test_the_source_is_byte_for_byte_what_it_was_and_nothing_is_left_beside_it(path: Path, mode: str) -> None:
    write_items(path, [item(number) for number in range(ROWS)], mode=mode)
    before, changed = content(path), path.stat().st_mtime_ns
    assert list(before) == [path.name]
    with source_of(path).snapshot() as snapshot:
        assert len(all_rows(snapshot, ITEMS)) == snapshot.count(ITEMS) == len(list(snapshot.keys(ITEMS)))
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert (content(path), path.stat().st_mtime_ns) == (before, changed)


def test_a_source_that_its_application_has_open_is_left_to_the_application(path: Path) -> None:
    with database(path) as application:
        write_items(path, [item(1)])
        application.execute("UPDATE items SET amount = 2")
        before = content(path)
        assert set(before) == {path.name, f"{path.name}-wal"}
        with source_of(path).snapshot() as snapshot:
            assert all_rows(snapshot, ITEMS) == [("item-00001", 2, "note 1")]
        assert content(path) == before
        application.execute("UPDATE items SET amount = 3")
        assert application.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() == (0, 0, 0)
        with source_of(path).snapshot() as snapshot:
            assert all_rows(snapshot, ITEMS) == [("item-00001", 3, "note 1")]
        assert (path.parent / f"{path.name}-wal").exists()  # empty, but the application's
        application.execute("UPDATE items SET amount = 4")
    with source_of(path).snapshot() as snapshot:
        assert all_rows(snapshot, ITEMS) == [("item-00001", 4, "note 1")]


def test_the_log_of_an_application_that_died_is_read_and_kept(path: Path, tmp_path: Path) -> None:
    left = tmp_path / "left" / path.name
    left.parent.mkdir()
    with database(path) as application:
        write_items(path, [item(1)])
        application.execute("UPDATE items SET amount = 2")
        for name in content(path):
            shutil.copy(path.parent / name, left.parent / name)
    before = content(left)
    with source_of(left).snapshot() as snapshot:
        assert all_rows(snapshot, ITEMS) == [("item-00001", 2, "note 1")]
    assert content(left) == before


def test_a_large_file_in_wal_mode_is_copied_before_its_rows_are_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("atlas_pipeline.extract.sqlite_source.COPY_ABOVE_BYTES", 0)
    rows = [item(number) for number in range(ROWS)]
    write_items(path, rows)
    with database(path) as writer, source_of(path).snapshot() as snapshot:
        assert snapshot.count(ITEMS) == ROWS
        assert "and a private copy of it for long reads" in snapshot.description
        assert not (path.parent.parent / "copies").exists()
        batches = snapshot.batches(ITEMS)
        assert snapshot.description == "a private copy made by SQLite's backup"
        writer.execute("DELETE FROM items")
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert [row for batch in batches for row in batch] == rows
        assert snapshot.count(ITEMS) == ROWS
        assert list((path.parent.parent / "copies").iterdir()) == []


def test_a_relative_path_and_strange_letters_in_it_name_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    strange = path.with_name("größe 100% #1.sqlite3")
    write_items(strange, [item(1)])
    monkeypatch.chdir(path.parent)
    relative = SqliteSource(f"sqlite:///{strange.name}", variable="V", copies=path.parent.parent / "copies")
    for source in (source_of(strange), relative):
        with source.snapshot() as snapshot:
            assert all_rows(snapshot, ITEMS) == [item(1)]
