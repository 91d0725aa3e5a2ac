"""`repair`: bring the documents that `verify` reported, and no others, to what their rows say."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.each_table import for_each_table
from atlas_pipeline.commands.selection import Selection, select_readable

if TYPE_CHECKING:
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.reconcile.repair_result import TableRepair

SHOWN = 20
"""Differences that are left of one table and shown."""


def repair(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    delete_foreign: Annotated[
        bool,
        typer.Option(
            "--delete-foreign",
            help="Foreign documents, which this pipeline never loaded, go too, unless the table's policy keeps them.",
        ),
    ] = False,
    json: console.Json = False,
) -> None:
    """Correct the documents that verify reported, and no others, and look at each of them again.

    Documents are inserted, replaced and deleted as their rows say now; rows that are refused now go into the
    quarantine. Exit codes: 0 all that was reported is equal now, 1 some of it is not, 2 something could not be
    repaired.

    Example: atlas-pipeline repair infrastructure_atlas --table users
    """
    from atlas_pipeline.load.sealing import make_sealer
    from atlas_pipeline.reconcile.repair import repair_table
    from atlas_pipeline.reconcile.repair_result import Request
    from atlas_pipeline.settings import Settings

    settings = Settings()
    selection = select_readable(catalog, table, settings)
    sealer = make_sealer(settings.quarantine_key)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end in whatever way, it can be run again
    outcome = for_each_table(
        selection,
        lambda opened, progress, _: repair_table(
            opened, Request(delete_foreign=delete_foreign, sealer=sealer, progress=progress)
        ),
        settings=settings,
        comment="repair",
        participle="repaired",
        totals=_reported,
    )
    if json:
        console.print_json(answer(outcome.results, outcome.problems))
    else:
        _show(outcome.results)
    outcome.end(good=all(one.complete for one in outcome.results))


def answer(repaired: Sequence[TableRepair], problems: Sequence[str]) -> dict[str, Any]:
    """What `--json` prints; other programs rely on its shape."""
    return {
        "ok": not problems and all(one.complete for one in repaired),
        "tables": [one.as_json() for one in repaired],
        "left": [left for one in repaired for left in one.left_as_json()],
        "truncated": any(one.left.count > len(one.left.listed) for one in repaired),
        "not_repaired": list(problems),
    }


def _reported(target: Target, selection: Selection) -> dict[str, int]:
    from atlas_pipeline.reconcile.records import Records

    return {
        table.collection: Records(target.pipeline_database(catalog), catalog, table).count()
        for catalog, tables in selection
        for table in tables
    }


def _show(repaired: Sequence[TableRepair]) -> None:
    counts = ["reported", "inserted", "replaced", "deleted", "quarantined", "already equal", "left", "seconds"]
    console.print_table(
        "Repaired",
        ["table", "collection", *counts],
        [(one.table, one.collection, *one.counts().values(), one.seconds) for one in repaired],
        numbers=counts,
    )
    for one in repaired:
        for sentence in one.recovered:
            typer.echo(f"{one.collection}: {sentence}")
        if one.left.count:
            listed = one.left.listed[:SHOWN]
            more = f", the first {len(listed):,}" if len(listed) < one.left.count else ""
            rows = [(left.key, str(left.kind), why) for left, why in listed]
            title = f"{one.collection}: {one.left.count:,} still differ{more}"
            console.print_table(title, ["key", "kind", "why"], rows)
        if one.unrecorded:
            typer.echo(f"{one.collection}: {one.unrecorded:,} more differences were found than recorded; verify again")
    if not any(one.reported for one in repaired):
        typer.echo("The last verifications left no differences to repair.")
