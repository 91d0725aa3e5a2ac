"""Every command explains itself: what it does, each of its options, and an example that its own parser accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from atlas_pipeline.cli import app

TOOL: Any = get_command(app)


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name)


COMMANDS = list(_commands(TOOL))


def _help(*path: str) -> str:
    said = CliRunner().invoke(app, [*path, "--help"], env={"COLUMNS": "200"}, prog_name="atlas-pipeline")
    assert said.exit_code == 0, said.output
    return str(said.output)


def _example(path: tuple[str, ...]) -> list[str]:
    found = re.search(r"Example: atlas-pipeline (.+)", _help(*path))
    assert found, path
    return shlex.split(found[1])


def test_the_tool_has_the_commands_that_it_promises() -> None:
    promised = {
        *{("demo",), ("up",), ("sync",), ("status",), ("clean",), ("doctor",), ("expectations", "sync")},
        *{("servers", verb) for verb in ("start", "stop", "status")},
        *{("quarantine", verb) for verb in ("list", "show", "replay", "discard")},
    }
    assert promised <= set(COMMANDS)
    assert all(f" {path[0]} " in _help() for path in COMMANDS)
    assert "130 interrupted" in _help()


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_a_command_has_help_with_an_example_that_it_can_be_given(path: tuple[str, ...]) -> None:
    example = _example(path)
    assert tuple(example[: len(path)]) == path
    command, context = TOOL, TOOL.make_context("atlas-pipeline", list(example))
    for name in path:
        command = command.commands[name]
    rest = example[len(path) :]
    assert command.make_context(path[-1], rest, parent=context)  # raises for an option or argument that is not there


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    command = TOOL
    for name in path:
        command = command.commands[name]
    assert [parameter.name for parameter in command.params if not parameter.help] == []
    assert path == ("up",) or "--json" in _help(*path)


@pytest.mark.parametrize("path", [(), ("servers",), ("quarantine",), ("expectations",)], ids=" ".join)
def test_without_a_command_the_help_is_shown(path: tuple[str, ...]) -> None:
    said = CliRunner().invoke(app, list(path), prog_name="atlas-pipeline")
    assert said.exit_code in (0, 2)
    assert "Usage" in said.output
    assert "Traceback" not in said.output
