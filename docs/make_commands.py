"""Writes docs/commands.md from the commands' own help, so that the two cannot differ. Run by `make docs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

TARGET = Path(__file__).with_name("commands.md")


def render() -> str:
    """The reference of all commands as Markdown."""
    from atlas_pipeline.cli import app

    group = typer.main.get_command(app)
    parts = [
        "# Commands",
        "Made from the commands' help by `make docs`; edit the help, not this file.",
        group.help or "",
        *_sections(group, []),
    ]
    return "\n\n".join(parts) + "\n"


def commands() -> dict[str, Any]:
    """All commands by their full name, such as `servers start`."""
    from atlas_pipeline.cli import app

    return dict(_commands(typer.main.get_command(app), []))


def _commands(command: Any, path: list[str]) -> Iterator[tuple[str, Any]]:
    children: dict[str, Any] = getattr(command, "commands", {})
    if not children:
        yield " ".join(path), command
    for name, child in children.items():
        yield from _commands(child, [*path, name])


def _sections(group: Any, path: list[str]) -> Iterator[str]:
    for name, command in _commands(group, path):
        text, _, example = (command.help or "").partition("Example:")
        yield f"## {name}"
        yield " ".join(text.split())
        yield f"```\n{example.strip()}\n```"
        rows = [_row(parameter) for parameter in command.params if parameter.name != "help"]
        if rows:
            yield "\n".join(["| argument or option | meaning |", "|---|---|", *rows])


def _row(parameter: Any) -> str:
    options = [*parameter.opts, *parameter.secondary_opts]
    name = ", ".join(options) if parameter.param_type_name == "option" else parameter.name.upper()
    default = parameter.default
    told = isinstance(default, int | str) and not isinstance(default, bool)
    return f"| `{name}` | {parameter.help or ''}{f' Default: {default}.' if told else ''} |"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
