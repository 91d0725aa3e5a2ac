"""`plan`: what a sync would create, change and delete, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import Selection, select_readable
from atlas_pipeline.commands.verify import known_rows
from atlas_pipeline.errors import (
    EXIT_CANNOT,
    EXIT_DIFFERENCES,
    EXIT_DONE,
    AtlasError,
    ServerUnavailableError,
    TargetUnavailableError,
)
from atlas_pipeline.settings import Settings

if TYPE_CHECKING:
    from atlas_pipeline.reconcile.plan_result import TablePlan


def plan(catalog: console.CatalogName = None, table: console.TableName = None, json: console.Json = False) -> None:
    """Say what a sync would create, change and delete, by table, and how long it would take. Writes nothing.

    A row that a unique index would refuse for the first time counts as one to create or change.

    Exit codes: 0 nothing to do, 1 something to do or something that would stop the sync, 2 something could not be
    compared.

    Example: atlas-pipeline plan infrastructure_atlas --table users
    """
    settings = Settings()
    selection = select_readable(catalog, table, settings)
    console.collect_less_garbage()
    planned, problems = run(selection, settings=settings)
    if json:
        console.print_json(answer(planned, problems))
    else:
        _show(planned)
    for problem in problems:
        typer.echo(f"not compared: {problem}", err=True)
    nothing = all(one.nothing_to_do for one in planned)
    raise typer.Exit(EXIT_CANNOT if problems else EXIT_DONE if nothing else EXIT_DIFFERENCES)


def run(selection: Selection, *, settings: Settings) -> tuple[list[TablePlan], list[str]]:
    """Plan a sync of tables; gives what it would do, and sentences on what could not be compared."""
    from functools import partial

    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.sources import places
    from atlas_pipeline.reconcile.plan import plan_table

    planned: list[TablePlan] = []
    problems: list[str] = []
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        with target.translated():
            totals = known_rows(target, selection)
        with console.progress_of(totals) as progress:
            for one, tables in selection:
                with places(one, settings, mongodb_uri=server.uri, comment="plan") as place_of:
                    for each in tables:
                        try:
                            with place_of(each).opened() as opened:
                                planned.append(plan_table(opened, partial(progress, each.collection)))
                        except (TargetUnavailableError, ServerUnavailableError) as error:
                            return planned, [*problems, f"{each.collection}: {error} Nothing after it was compared."]
                        except AtlasError as error:
                            problems.append(f"{each.collection}: {error}")
    return planned, problems


def answer(planned: Sequence[TablePlan], problems: Sequence[str]) -> dict[str, Any]:
    """What `--json` prints, as far as it goes in the shape of `sync --json`; other programs rely on it."""
    return {
        "ok": not problems and not any(one.blocked for one in planned),
        "seconds": round(sum(one.seconds for one in planned), 3),
        "tables": [one.as_json() for one in planned],
        "problems": list(problems),
    }


def _show(planned: Sequence[TablePlan]) -> None:
    numbers = ["source rows", "create", "change", "delete", "unchanged", "quarantine", "foreign", "bytes", "seconds"]
    console.print_table(
        "What a sync would do",
        ["table", "collection", *numbers],
        [
            (
                one.table,
                one.collection,
                one.read,
                one.inserted,
                one.replaced,
                one.deleted,
                one.unchanged,
                one.quarantined,
                one.foreign,
                one.bytes,
                one.seconds,
            )
            for one in planned
        ],
        numbers=numbers,
    )
    for one in planned:
        for what, keys in one.first_keys.items():
            typer.echo(f"{one.collection}: {what} first: {', '.join(keys)}")
        for sentence in one.blocked:
            typer.echo(f"{one.collection}: a sync would stop: {sentence}")
    total = sum(one.seconds for one in planned)
    estimates = sorted({one.estimated_from for one in planned})
    if planned:
        typer.echo(f"About {total:.1f} s, estimated from {' and '.join(estimates)}.")
