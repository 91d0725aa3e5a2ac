"""The file of the sample: whole or not at all, private, alone in its folder, and never in the place of real data."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.local.sample.generate import write_dirty_sample, write_sample
from atlas_pipeline.local.sample.size import SampleSize

SMALL = SampleSize.default().scaled(0.01)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "atlas_pipeline.local.sample", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("write", [write_sample, write_dirty_sample])
def test_the_file_is_alone_private_and_in_wal_mode(tmp_path: Path, write: object) -> None:
    path = tmp_path / "new" / "folder" / "atlas.sqlite3"
    assert callable(write)
    write(path, size=SMALL)
    assert list(path.parent.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_an_older_sample_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    write_dirty_sample(path, size=SMALL)
    rows = write_sample(path, size=SMALL).rows["users"]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT count(*) FROM users").fetchone() == (rows,)


def test_a_write_ahead_log_that_a_killed_program_left_does_not_spoil_the_new_file(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    write_sample(path, size=SMALL)
    dying = (
        "import os, sqlite3, sys; d = sqlite3.connect(sys.argv[1]); d.execute('DELETE FROM chat_messages'); d.commit();"
        " os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", dying, str(path)], check=False, timeout=60)
    assert path.with_name("atlas.sqlite3-wal").exists()
    rows = write_sample(path, seed=2, size=SMALL).rows["chat_messages"]
    assert list(tmp_path.iterdir()) == [path]
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert database.execute("SELECT count(*) FROM chat_messages").fetchone() == (rows,)


def test_a_sample_that_a_program_has_open_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    write_sample(path, size=SMALL)
    before = path.read_bytes()
    with closing(sqlite3.connect(path)) as database:
        database.execute("SELECT count(*) FROM users").fetchone()
        with pytest.raises(ConfigurationError, match="open in another program"):
            write_sample(path, seed=2, size=SMALL)
    assert path.read_bytes() == before
    write_sample(path, seed=2, size=SMALL)
    assert path.read_bytes() != before


def test_a_database_that_is_not_a_sample_is_not_replaced(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE users (id)")
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match="not a sample"):
        write_sample(path, size=SMALL)
    assert path.read_bytes() == before


def test_another_file_or_a_folder_is_not_replaced(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database, but somebody's work " * 100, encoding="utf-8")
    for path in (text, tmp_path):
        with pytest.raises(ConfigurationError, match="not a sample"):
            write_sample(path, size=SMALL)
    assert text.read_text(encoding="utf-8").startswith("not a database")
    assert list(tmp_path.iterdir()) == [text]


def test_an_empty_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    path.touch()
    assert write_sample(path, size=SMALL).rows["users"] > 0


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_sample(tmp_path / "file" / "atlas.sqlite3", size=SMALL)


def test_when_the_disk_is_full_the_older_sample_stays_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    write_sample(path, size=SMALL)
    before = path.read_bytes()
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000));"
        "from atlas_pipeline.local.sample.__main__ import main; sys.exit(main(sys.argv[1:]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", limited, str(path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert result.returncode == 2, result.stderr
    assert "cannot be written" in result.stderr
    assert "Traceback" not in result.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_command_writes_what_it_prints(tmp_path: Path) -> None:
    path = tmp_path / "atlas.sqlite3"
    result = run(str(path), "--dirty", "--seed", "7", "--rows", "chat_messages=321", "playground_usage=50")
    assert result.returncode == 0, result.stderr
    printed = {line.split()[0]: int(line.split()[1].replace(",", "")) for line in result.stdout.splitlines()}
    assert len(printed) == 32
    with closing(sqlite3.connect(path)) as database:
        for table, rows in printed.items():
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone() == (rows,)
    assert 321 < printed["chat_messages"] < 500


@pytest.mark.parametrize("rows", ["no_such_table=5", "users=0", "users=many", "users"])
def test_the_command_refuses_wrong_sizes_with_exit_code_2_and_writes_nothing(tmp_path: Path, rows: str) -> None:
    result = run(str(tmp_path / "atlas.sqlite3"), "--rows", rows)
    assert result.returncode == 2
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []
