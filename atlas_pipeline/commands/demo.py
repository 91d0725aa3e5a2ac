"""`demo`: sample sources, embedded servers, one full run of each catalog, and where to look at the result."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import select
from atlas_pipeline.commands.sync import answer, run, show

if TYPE_CHECKING:
    from atlas_pipeline.settings import Settings
    from atlas_pipeline.spec.catalogs import CatalogSpec


def demo(
    catalog: console.CatalogName = None,
    dirty: Annotated[
        bool, typer.Option("--dirty", help="Use the samples with bad rows; they go to the quarantine.")
    ] = False,
    json: console.Json = False,
) -> None:
    """Make sample sources, sync them into MongoDB, and show what came of it.

    With ATLAS_DB_URL, DATABASE_URL or MONGODB_URI set, those are used instead of samples and embedded server.

    Example: atlas-pipeline demo
    """
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    if dirty:
        os.environ["ATLAS_SAMPLE"] = "dirty"  # for the run, which reads its settings itself
    settings = Settings()
    selection = select(catalog, None)
    with ExitStack() as kept:
        kept.enter_context(mongodb(settings))  # one server for all runs, not one each
        ensure_samples([one for one, _ in selection], settings)
        synced = [run(one, tables, settings=settings, force=False, trigger="demo") for one, tables in selection]
    if json:
        console.print_json(answer(synced))
    else:
        for one in synced:
            show(one)
        typer.echo("\nLook at it in the Dagster UI: atlas-pipeline up")
    raise typer.Exit(max(one.exit_code for one in synced))


def ensure_samples(catalogs: Sequence[CatalogSpec], settings: Settings) -> None:
    """Make the sample of each catalog whose source is not configured, unless it is there."""
    from atlas_pipeline.local.samples import SAMPLES

    for catalog in catalogs:
        sample = SAMPLES.get(catalog.name)
        if sample is None or settings.source_url(catalog.source_variable) is not None or sample.exists(settings):
            continue
        console.notes().print(f"Making the {settings.sample} sample of {catalog.name}", soft_wrap=True)
        sample.make(settings)
