"""`expectations sync`: write the Great Expectations project anew from the table specs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from atlas_pipeline.commands import console

if TYPE_CHECKING:
    pass

app = typer.Typer(help="The generated expectations.", no_args_is_help=True)


@app.callback()
def expectations() -> None:
    """The generated expectations."""


@app.command()
def sync(json: console.Json = False) -> None:
    """Write suites, validation definitions and checkpoints from the specs; commit what changes.

    Example: atlas-pipeline expectations sync
    """
    from atlas_pipeline.catalogs.registry import CATALOGS
    from atlas_pipeline.quality.project_files import write_project
    from atlas_pipeline.settings import Settings

    changed = [str(path) for path in write_project(Settings().expectations_dir, CATALOGS.values())]
    if json:
        console.print_json({"changed": changed})
        return
    for path in changed:
        typer.echo(path)
    typer.echo(f"{len(changed)} files changed" if changed else "in step with the specs; nothing changed")
