"""`clean`: list what the pipeline made and nobody needs any more, and remove only that."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import select

if TYPE_CHECKING:
    import dagster as dg

    from atlas_pipeline.load.leftover import Leftover, Limits
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.settings import Settings
    from atlas_pipeline.spec.catalogs import CatalogSpec

_HERE = "this machine"


def clean(
    catalog: console.CatalogName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Remove it without asking.")] = False,
    resumable: Annotated[
        bool, typer.Option("--resumable", help="Also what the next sync would go on with after a run that died.")
    ] = False,
    json: console.Json = False,
) -> None:
    """List what the pipeline made and nobody needs any more, and remove it after confirmation.

    That is: staging collections and records of runs that never published them, records, reports and Dagster runs older
    than ATLAS_RETENTION_DAYS, vectors that are no longer used, private copies that a dead process left. A table that is
    being worked on is left alone, and so is a collection that the ledger does not know. Without a terminal, and with
    --json, nothing is removed unless --yes is given.

    Example: atlas-pipeline clean infrastructure_atlas --yes
    """
    from atlas_pipeline.settings import Settings

    settings = Settings()
    catalogs = [one for one, _ in select(catalog, None)]
    with ExitStack() as stack:
        work = _Work(stack, settings, catalogs, resumable=resumable)
        found = list(work.find())
        going = sum(not leftover.kept for _, leftover in found)
        agreed = yes or (going > 0 and not json and sys.stdin.isatty() and _asked(found, going))
        if agreed:
            found = list(work.remove())
    if json:
        told = [{"catalog": of, **one.as_json(removed=agreed and not one.kept)} for of, one in found]
        console.print_json({"ok": True, "removed": agreed, "leftovers": told})
        return
    _show("Removed" if agreed else "Left over", found)
    if going and not agreed:
        typer.echo("Nothing was removed. With --yes it is.")


class _Work:
    """Everything that can be cleaned, by the catalog that it belongs to."""

    def __init__(self, stack: ExitStack, settings: Settings, catalogs: list[CatalogSpec], *, resumable: bool) -> None:
        from atlas_pipeline.load.leftover import Limits
        from atlas_pipeline.load.target import Target
        from atlas_pipeline.local.servers import mongodb
        from atlas_pipeline.orchestration.instance import open_instance
        from atlas_pipeline.orchestration.table_sync import VECTORS_KEPT

        now = datetime.now(UTC)
        self._settings, self._catalogs = settings, catalogs
        self._limits: Limits = Limits(
            before=now - timedelta(days=settings.retention_days),
            vectors_before=now - VECTORS_KEPT,
            resumable=resumable,
        )
        server = stack.enter_context(mongodb(settings))
        timeout_ms = settings.mongodb_timeout_ms
        self._target: Target = stack.enter_context(Target(server.uri, timeout_ms=timeout_ms))
        self._instance: dg.DagsterInstance = stack.enter_context(open_instance(settings))

    def find(self) -> Iterator[tuple[str, Leftover]]:
        from atlas_pipeline.load import leftovers

        for catalog in self._catalogs:
            yield from ((catalog.name, one) for one in leftovers.find(self._target, catalog, self._limits))
        yield from self._local()

    def remove(self) -> Iterator[tuple[str, Leftover]]:
        from atlas_pipeline.load import leftovers

        for catalog in self._catalogs:
            yield from ((catalog.name, one) for one in leftovers.remove(self._target, catalog, self._limits))
        for of, one in self._local():
            one.remove()
            yield of, one

    def _local(self) -> Iterator[tuple[str, Leftover]]:
        from atlas_pipeline.orchestration.local_leftovers import find_files, find_in_dagster

        before = self._limits.before
        for catalog in self._catalogs:
            yield from ((catalog.name, one) for one in find_in_dagster(self._instance, catalog, before))
        yield from ((_HERE, one) for one in find_files(self._settings, before))


def _asked(found: list[tuple[str, Leftover]], going: int) -> bool:
    _show("Left over", found)
    return typer.confirm(f"Remove these {going}?")


def _show(title: str, found: list[tuple[str, Leftover]]) -> None:
    going = [(of, one) for of, one in found if not one.kept]
    if not going:
        typer.echo("Nothing to clean.")
    else:
        rows = [(of, one.kind, one.place, one.count, one.why) for of, one in going]
        console.print_table(title, ["of", "what", "where", "how many", "why"], rows, numbers=["how many"])
    for _, one in found:
        if one.kept:
            typer.echo(f"kept: {one.kind} {one.place} ({one.count:,}): {one.kept}")
