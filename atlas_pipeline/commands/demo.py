"""`demo`: a sample source, an embedded server, one full run, and where to look at the result."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.commands import console
from atlas_pipeline.commands.sync import as_json, run, show
from atlas_pipeline.settings import Settings

_CATALOG = "infrastructure_atlas"


def demo(
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Use the sample with bad rows; they go to the quarantine.")
    ] = False,
    json: console.Json = False,
) -> None:
    """Make a sample source, sync it into MongoDB, and show what came of it.

    With ATLAS_DB_URL or MONGODB_URI set, those are used instead of sample and embedded server.

    Example: atlas-pipeline demo
    """
    settings = ensure_sample(Settings(), dirty=dirty)
    catalog = find_catalog(_CATALOG)
    synced = run(catalog, catalog.tables, settings=settings, force=False, trigger="demo")
    if json:
        tables = [as_json(record) for record in synced.records]
        console.print_json(
            {"ok": synced.exit_code == 0, "run_id": synced.run_id, "seconds": synced.seconds, "tables": tables}
        )
    else:
        show(synced)
        typer.echo("\nLook at it in the Dagster UI: atlas-pipeline up")
    raise typer.Exit(synced.exit_code)


def ensure_sample(settings: Settings, *, dirty: bool = False) -> Settings:
    """Make the sample source unless ATLAS_DB_URL names one or it is there. Gives the settings that then hold."""
    from atlas_pipeline.local.sample.generate import write_dirty_sample, write_sample

    if settings.atlas_db_url is not None:
        return settings
    path = settings.sample_path
    if dirty:
        path = path.with_name(f"{path.stem}_dirty{path.suffix}")
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        console.notes().print(f"Writing the sample source {path}", soft_wrap=True)
        (write_dirty_sample if dirty else write_sample)(path)
    if dirty:
        os.environ["ATLAS_DB_URL"] = f"sqlite:///{path}"  # for the run, which reads its settings itself
        return Settings()
    return settings
