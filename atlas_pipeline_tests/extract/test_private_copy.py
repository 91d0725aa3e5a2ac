"""The private copy of a source: for its owner only, and gone with the process that made it, however that ends."""

from __future__ import annotations

import os
import resource
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from atlas_pipeline.errors import SourceError
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline_tests.extract.source_files import ITEMS, all_rows, item, source_of, write_items

ROWS = 5_000
READER = """
import sys
from pathlib import Path
from atlas_pipeline.extract.sqlite_source import SqliteSource
from atlas_pipeline_tests.extract.source_files import ITEMS
path, copies = map(Path, sys.argv[1:])
with SqliteSource(f"sqlite:///{path}", variable="V", copies=copies).snapshot() as snapshot:
    batches = snapshot.batches(ITEMS)
    print(len(next(batches)), flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file in rollback mode, which is always copied."""
    (tmp_path / "source").mkdir()
    return write_items(tmp_path / "source" / "items.sqlite3", [item(n) for n in range(ROWS)], mode="delete")


@pytest.fixture
def copies(path: Path) -> Path:
    return path.parent.parent / "copies"


def test_a_reader_that_is_killed_leaves_nothing(path: Path, copies: Path) -> None:
    command = [sys.executable, "-c", READER, str(path), str(copies)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "2000\n"
        assert copies.is_dir()
        reader.send_signal(signal.SIGKILL)
        assert reader.wait(30) == -signal.SIGKILL
    assert list(copies.iterdir()) == []
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_copy_that_was_cut_off_by_a_kill_is_removed_by_the_next_run(path: Path, copies: Path) -> None:
    """A file may grow to 100 kB in the child only, so the kernel kills it in the middle of the copy."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    script = READER.replace("with Sqlite", "import signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_DFL)\nwith Sqlite")
    command = [sys.executable, "-B", "-c", script, str(path), str(copies)]
    killed = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, preexec_fn=limit, check=False)
    assert killed.returncode == -signal.SIGXFSZ
    left = list(copies.iterdir())
    assert left
    assert {file.stat().st_mode & 0o777 for file in left} == {0o600}
    with source_of(path).snapshot() as snapshot:
        assert len(all_rows(snapshot, ITEMS)) == ROWS
        assert list(copies.iterdir()) == []


def test_the_unfinished_copy_of_a_living_process_is_left_alone(path: Path, copies: Path) -> None:
    copies.mkdir()
    living, other = copies / f"{os.getpid()}-00ff.sqlite3", copies / "notes-1.sqlite3"
    living.touch()
    other.touch()
    with source_of(path).snapshot():
        assert {living, other} == set(copies.iterdir())


DESCRIPTORS = 4_096
"""Far more than a test process has open; the lowest free number is taken first."""


def nameless_files() -> dict[int, os.stat_result]:
    """The regular files that this process has open and that no folder holds any more, by descriptor."""
    found = {}
    for number in range(DESCRIPTORS):
        try:
            status = os.fstat(number)
        except OSError:
            continue  # this number is not in use
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 0:
            found[number] = status
    return found


def test_the_copy_has_no_name_and_is_for_its_owner_only(path: Path, copies: Path) -> None:
    before = nameless_files().keys()
    careless = os.umask(0)
    try:
        with source_of(path).snapshot():
            assert copies.stat().st_mode & 0o777 == 0o700
            assert list(copies.iterdir()) == []
            found = [status for number, status in nameless_files().items() if number not in before]
            assert {file.st_mode & 0o777 for file in found} == {0o600}
    finally:
        os.umask(careless)
    assert nameless_files().keys() == before


def test_too_little_room_for_a_copy_is_said_before_anything_is_written(path: Path, copies: Path) -> None:
    copies.mkdir()
    stats = os.statvfs(copies)
    os.truncate(path, stats.f_bavail * stats.f_frsize + 2**32)  # a hole takes no room here, but would in the copy
    with pytest.raises(SourceError, match="ATLAS_STATE_DIR"), source_of(path).snapshot():
        pass
    assert list(copies.iterdir()) == []


def test_a_block_that_fails_leaves_no_copy(path: Path, copies: Path) -> None:
    source = SqliteSource(f"sqlite:///{path}", variable="V", copies=copies)
    with pytest.raises(ZeroDivisionError), source.snapshot():
        raise ZeroDivisionError
    assert list(copies.iterdir()) == []
