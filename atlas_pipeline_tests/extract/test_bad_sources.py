"""A source that cannot be read: the error names it, says why and what to do, and nothing is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.errors import ConfigurationError, SourceError, SourceLockedError
from atlas_pipeline.extract.sources import open_source
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline_tests.extract.source_files import (
    ITEMS,
    all_rows,
    as_nobody,
    database,
    item,
    source_of,
    write_items,
)

PASSWORD = "marker-5e1f"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source" / "items.sqlite3"


def no_file(path: Path) -> None:
    assert not path.exists()


def a_folder(path: Path) -> None:
    path.mkdir()


def a_text(path: Path) -> None:
    path.write_text("id,amount,note\n1,2,3\n", encoding="utf-8")


def random_bytes(path: Path) -> None:
    """As an encrypted database looks: without the header that all others begin with."""
    path.write_bytes(os.urandom(65_536))


def only_a_header(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + os.urandom(4_080))


def a_broken_link(path: Path) -> None:
    path.symlink_to(path.with_name("nowhere"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (no_file, "does not exist"),
        (a_folder, "not a file"),
        (a_text, "not an SQLite database"),
        (random_bytes, "encrypted"),
        (only_a_header, "not an SQLite database"),
        (a_broken_link, "does not exist"),
    ],
)
def test_what_is_no_sqlite_file_is_named_and_left_alone(path: Path, make: Callable[[Path], None], words: str) -> None:
    make(path)
    before = [(file.name, file.is_file() and file.read_bytes()) for file in path.parent.iterdir()]
    with pytest.raises(SourceError, match=words) as caught, source_of(path).snapshot():
        pass
    assert str(path) in caught.value.message
    assert (bool(caught.value.cure), caught.value.retryable, caught.value.exit_code) == (True, False, 2)
    assert [(file.name, file.is_file() and file.read_bytes()) for file in path.parent.iterdir()] == before


@pytest.mark.parametrize("private", ["source/items.sqlite3", "source"])
def test_a_file_that_may_not_be_read_is_named(private: str) -> None:
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are for their owner only
        folder = Path(name)
        path = folder / "source" / "items.sqlite3"
        path.parent.mkdir()
        write_items(path, [item(1)])
        folder.chmod(0o755)
        (folder / private).chmod(0)
        said = as_nobody(lambda: source_of(path).snapshot().__enter__())
        (folder / private).chmod(0o700)
    assert said.startswith(f"SourceError: Source file {path} cannot be read: Permission denied")


def test_a_wal_file_in_a_folder_that_cannot_be_written_is_explained() -> None:
    with tempfile.TemporaryDirectory() as name:
        path = write_items(Path(name) / "items.sqlite3", [item(1)])
        path.chmod(0o444)
        Path(name).chmod(0o555)
        said = as_nobody(lambda: source_of(path).snapshot().__enter__())
        Path(name).chmod(0o700)
    assert said.startswith(f"SourceError: Source file {path} cannot be opened.")
    assert "-shm" in said


def test_a_file_in_the_middle_of_a_commit_of_a_dead_program_is_explained(path: Path, tmp_path: Path) -> None:
    left = tmp_path / "left" / path.name
    left.parent.mkdir()
    write_items(path, [item(number) for number in range(5_000)], mode="delete")
    with database(path, "delete") as program:
        program.execute("PRAGMA cache_size = 1")  # so that changed pages go to the file before the commit
        program.execute("BEGIN")
        program.execute("UPDATE items SET note = 'changed'")
        for file in path.parent.iterdir():
            shutil.copy(file, left.parent / file.name)
    before = {file.name: file.read_bytes() for file in left.parent.iterdir()}
    assert set(before) == {path.name, f"{path.name}-journal"}
    with pytest.raises(SourceError, match="middle of a commit") as caught, source_of(left).snapshot():
        pass
    assert (str(left) in caught.value.message, bool(caught.value.cure)) == (True, True)
    assert {file.name: file.read_bytes() for file in left.parent.iterdir()} == before


def test_a_damaged_file_is_reported_while_it_is_read(path: Path) -> None:
    write_items(path, [item(number) for number in range(5_000)])
    content = bytearray(path.read_bytes())
    for page in range(10, len(content) // 4096, 3):
        content[page * 4096 : page * 4096 + 2_000] = os.urandom(2_000)
    path.write_bytes(content)
    with pytest.raises(SourceError, match="damaged") as caught, source_of(path).snapshot() as snapshot:
        all_rows(snapshot, ITEMS)
    assert "integrity_check" in caught.value.cure


def test_a_file_that_is_cut_off_is_reported(path: Path) -> None:
    write_items(path, [item(number) for number in range(5_000)], mode="delete")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(SourceError, match=str(path)), source_of(path).snapshot() as snapshot:
        all_rows(snapshot, ITEMS)


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "not a database URL"),
        ("/srv/app.sqlite3", "not a database URL"),
        (f"no url at all {PASSWORD}", "not a database URL"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        (f"postgresql+psycopg://app:{PASSWORD}@db.example.org/app", "postgresql"),
        (f"mysql://app:{PASSWORD}@db.example.org/app", "mysql"),
    ],
)
def test_an_address_of_something_else_is_refused_without_its_password(tmp_path: Path, url: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words) as caught:
        open_source(INFRASTRUCTURE_ATLAS, url, copies=tmp_path / "copies", timeout_seconds=1)
    assert INFRASTRUCTURE_ATLAS.source_variable in caught.value.message
    assert "sqlite:///" in caught.value.cure
    assert PASSWORD not in f"{caught.value} {caught.value!r}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    assert list(tmp_path.iterdir()) == []


def test_the_driver_may_be_named_in_the_address(path: Path) -> None:
    write_items(path, [item(1)])
    source = SqliteSource(f"sqlite+pysqlite:///{path}", variable="V", copies=path.parent.parent / "copies")
    with source.snapshot() as snapshot:
        assert snapshot.count(ITEMS) == 1


# --- locks -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def locked(path: Path) -> sqlite3.Connection:
    """Another program that holds an exclusive lock on the file, in rollback mode."""
    write_items(path, [item(1)], mode="delete")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    other.execute("UPDATE items SET amount = 2")
    return other


def test_a_locked_file_is_given_up_after_the_time_that_was_set(path: Path, locked: sqlite3.Connection) -> None:
    with pytest.raises(SourceLockedError, match="locked") as caught, source_of(path, timeout_seconds=0.2).snapshot():
        pass
    assert (caught.value.retryable, str(path) in caught.value.message) == (True, True)
    locked.execute("COMMIT")
    locked.close()


def test_a_locked_file_is_waited_for(path: Path, locked: sqlite3.Connection) -> None:
    release = threading.Timer(0.3, locked.execute, ["COMMIT"])
    release.start()
    with source_of(path, timeout_seconds=60).snapshot() as snapshot:
        assert all_rows(snapshot, ITEMS) == [("item-00001", 2, "note 1")]
    release.join()
    locked.close()
