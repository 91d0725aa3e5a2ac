"""`plan`: what a sync would create, change and delete, without writing anything."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.each_table import for_each_table, known_rows
from atlas_pipeline.commands.selection import select_readable

if TYPE_CHECKING:
    from atlas_pipeline.reconcile.plan_result import TablePlan


def plan(catalog: console.CatalogName = None, table: console.TableName = None, json: console.Json = False) -> None:
    """Say what a sync would create, change and delete, by table, and how long it would take. Writes nothing.

    A row that a unique index would refuse for the first time counts as one to create or change.

    Exit codes: 0 nothing to do, 1 something to do or something that would stop the sync, 2 something could not be
    compared.

    Example: atlas-pipeline plan infrastructure_atlas --table users
    """
    from atlas_pipeline.reconcile.plan import plan_table
    from atlas_pipeline.settings import Settings

    settings = Settings()
    outcome = for_each_table(
        select_readable(catalog, table, settings),
        lambda opened, progress, _: plan_table(opened, progress),
        settings=settings,
        comment="plan",
        participle="compared",
        totals=known_rows,
    )
    if json:
        console.print_json(answer(outcome.results, outcome.problems))
    else:
        _show(outcome.results)
    outcome.end(good=all(one.nothing_to_do for one in outcome.results))


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
