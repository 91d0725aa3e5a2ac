"""`servers start|stop|status`: the embedded servers of the state folder."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from atlas_pipeline.commands import console

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Start, stop and look at the embedded servers.", no_args_is_help=True)


@app.command()
def start(json: console.Json = False) -> None:
    """Start the embedded MongoDB and PostgreSQL; they stay until `servers stop`.

    One that MONGODB_URI or DATABASE_URL replaces is left out.

    Example: atlas-pipeline servers start
    """
    from atlas_pipeline.local import servers
    from atlas_pipeline.settings import Settings

    started = servers.start(Settings())
    if json:
        keys = ("name", "origin", "address", "version", "pid")
        console.print_json({"servers": [{key: getattr(server, key) for key in keys} for server in started]})
        return
    for server in started:
        typer.echo(f"{server.name} {server.version} at {server.address} ({server.origin})")


@app.command()
def stop(json: console.Json = False) -> None:
    """Stop the embedded servers.

    Example: atlas-pipeline servers stop
    """
    from atlas_pipeline.local import servers
    from atlas_pipeline.settings import Settings

    stopped = servers.stop(Settings())
    if json:
        console.print_json({"stopped": stopped})
    else:
        typer.echo(f"{' and '.join(stopped)} stopped" if stopped else "no embedded server was running")


@app.command()
def status(json: console.Json = False) -> None:
    """Show the servers that commands would use.

    Example: atlas-pipeline servers status
    """
    from atlas_pipeline.local import servers
    from atlas_pipeline.settings import Settings

    found = [asdict(server) for server in servers.status(Settings())]
    if json:
        console.print_json({"servers": found})
        return
    columns = list(found[0]) if found else ["name", "state"]
    console.print_table("Servers", columns, [[str(value) for value in server.values()] for server in found])
