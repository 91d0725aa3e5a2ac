"""Mistyped catalogs, tables, commands and options: the nearest match, exit 2, no traceback, and nothing is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from atlas_pipeline.errors import EXIT_CANNOT
from atlas_pipeline_tests.commands.tool import CATALOG, Tool


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    """The tool with a source and a server that are not there."""
    return Tool(state=tmp_path / "state", source=tmp_path / "missing.sqlite3", uri="mongodb://127.0.0.1:1/")


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("status", "infrastructure_atlsa"), "'infrastructure_atlas'"),
        (("sync", "--table", "user"), "'users'"),
        (("doctor", CATALOG, "--table", "secure_setings"), "'secure_settings'"),
        (("quarantine", "show", f"{CATALOG.title()}.users:0:1"), f"'{CATALOG}'"),
    ],
)
def test_an_unknown_name_ends_with_2_and_names_the_nearest(tool: Tool, arguments: tuple[str, ...], hint: str) -> None:
    plain, machine = tool.run(*arguments), tool.run(*arguments, "--json")
    assert (plain.code, plain.out) == (EXIT_CANNOT, "")
    assert f"did you mean {hint}?" in plain.err
    assert machine.code == EXIT_CANNOT
    assert machine.json.keys() == {"ok", "error", "cure"}
    assert machine.json["ok"] is False
    assert f"did you mean {hint}?" in machine.json["cure"]
    assert "Traceback" not in plain.err + machine.err
    assert not tool.state.exists()


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [(("syn",), "Did you mean 'sync'?"), (("status", "--tabel", "users"), "--table"), (("quarantine", "lst"), "list")],
)
def test_an_unknown_command_or_option_ends_with_2_and_names_the_nearest(
    tool: Tool, arguments: tuple[str, ...], hint: str
) -> None:
    said = tool.run(*arguments)
    assert (said.code, said.out) == (EXIT_CANNOT, "")
    assert hint in said.err
    assert "Traceback" not in said.err
    assert not tool.state.exists()
