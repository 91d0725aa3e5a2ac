"""`verify`: compare every value in MongoDB with its row in SQL, and name what is not equal."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.each_table import for_each_table, known_rows
from atlas_pipeline.commands.selection import Selection, select_readable
from atlas_pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from atlas_pipeline.reconcile.verification import TableVerification

SHOWN = 20
"""Differences that are shown unless all are asked for."""


def verify(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    mode: Annotated[
        Literal["full", "sampled", "counts"],
        typer.Option(help="full: every value; sampled: counts and 1 % of the rows, at least 1,000; counts: counts."),
    ] = "full",
    since: Annotated[
        str | None,
        typer.Option(help="Begin with this key of the one table; parts of a key with commas.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted verification ended.")] = False,
    processes: Annotated[int, typer.Option(min=1, help="How many processes compare at once.")] = 1,
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds before a difference is looked at again, for both sides may change.")
    ] = 2.0,
    strict: Annotated[
        bool, typer.Option("--strict", help="Pending rows and other representations are differences too.")
    ] = False,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show all differences with their fields.")] = False,
    json: console.Json = False,
) -> None:
    """Compare every value in MongoDB with its row in SQL, and name each document and field that is not equal.

    Exit codes: 0 equal, 1 differences, 2 something could not be compared.

    Example: atlas-pipeline verify infrastructure_atlas --table users
    """
    from atlas_pipeline.reconcile.verify import Request, verify_table
    from atlas_pipeline.settings import Settings

    settings = Settings()
    selection = select_readable(catalog, table, settings)
    request = Request(mode=mode, since=_since(selection, since, mode), resume=resume, wait_seconds=wait)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end in whatever way, it can be resumed
    outcome = for_each_table(
        selection,
        lambda opened, progress, place: verify_table(
            opened, replace(request, progress=progress), place=place, processes=processes
        ),
        settings=settings,
        comment="verify",
        participle="compared",
        totals=known_rows,
    )
    found, problems = outcome.results, outcome.problems
    equal = all(one.strictly_equal if strict else one.equal for one in found)
    if json:
        console.print_json(answer(found, problems, equal=equal and not problems))
    else:
        _show(found, shown=None if verbose else SHOWN)
    outcome.end(good=equal)


def answer(found: Sequence[TableVerification], problems: Sequence[str], *, equal: bool) -> dict[str, Any]:
    """What `--json` prints; other programs rely on its shape."""
    return {
        "equal": equal,
        "tables": [one.as_json() for one in found],
        "differences": [difference for one in found for difference in one.differences_as_json()],
        "truncated": any(one.truncated for one in found),
        "not_compared": list(problems),
    }


def _since(selection: Selection, since: str | None, mode: str) -> Any:
    from atlas_pipeline.mapping.keys import KeyCodec

    if since is None:
        return None
    tables = [table for _, tables in selection for table in tables]
    if len(tables) != 1 or mode != "full":
        raise ConfigurationError("--since goes with one table and full mode.", "name the table with --table")
    (table,) = tables
    if table.storage == "time_series":
        raise ConfigurationError(f"{table.collection} is a time series, which has no order of keys.", "drop --since")
    key = KeyCodec(table).from_text(since.split(",") if len(table.key) > 1 else [since])
    if key is None:
        parts = ", ".join(f"{column.name} ({column.value})" for column in table.key_columns)
        raise ConfigurationError(f"{since!r} is no key of {table.source}.", f"give {parts}")
    return key


def _show(found: Sequence[TableVerification], *, shown: int | None) -> None:
    numbers = ["compared", "equal", "missing", "extra", "value", "repr.", "pending", "quarantined", "seconds"]
    console.print_table(
        "Verified",
        ["table", "collection", "mode", *numbers],
        [
            (
                one.table,
                one.collection,
                one.mode,
                one.tally.rows,
                one.tally.equal,
                one.missing_in_target,
                one.extra_in_target,
                one.value,
                one.representation,
                one.tally.pending,
                one.tally.quarantined,
                one.seconds,
            )
            for one in found
        ],
        numbers=numbers,
    )
    for one in found:
        if one.note:
            typer.echo(f"{one.collection}: {one.note}")
        if not one.adds_up:
            typer.echo(f"{one.collection}: the counts do not add up; sync it, or verify it in full")
        _show_differences(one, shown)


def _show_differences(one: TableVerification, shown: int | None) -> None:
    if not one.tally.differences:
        return
    listed = one.differences[:shown]
    seen = f"{one.tally.first_seen:,} at first sight, {one.tally.differences:,} when looked at again"
    oldest = f"; the oldest was first seen {one.oldest:%Y-%m-%d %H:%M:%S} UTC" if one.oldest else ""
    title = f"{one.collection}: {seen}{oldest}"
    if len(listed) < one.tally.differences:
        title += f"; the first {len(listed):,} are shown"
    rows = [
        (difference.key, str(difference.kind), "\n".join(map(str, difference.fields)) or difference.why)
        for difference in listed
    ]
    console.print_table(title, ["key", "kind", "field: expected (type) is actual (type)"], rows)
