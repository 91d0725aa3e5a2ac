"""`status`: per table, what is in source, collection and quarantine, how far behind it is, and whether it is ready."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import Selection, select_readable
from atlas_pipeline.commands.watching import Seen, watch
from atlas_pipeline.errors import AtlasError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from atlas_pipeline.load.target import Target
    from atlas_pipeline.reporting.board import TableStatus
    from atlas_pipeline.settings import Settings

_NUMBERS = ("source rows", "documents", "quarantined", "indexes", "lag")


def status(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    watching: Annotated[
        bool, typer.Option("--watch", help="Look again and again, until Ctrl-C, which ends it with exit code 0.")
    ] = False,
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between two looks.")] = 5.0,
    counts: Annotated[
        bool | None,
        typer.Option(
            "--counts/--no-counts",
            help="Count rows and documents and compare the source's columns, or show what the last sync found. "
            "Counted unless --watch is given.",
            show_default=False,
        ),
    ] = None,
    json: console.Json = False,
) -> None:
    """Show rows, documents, quarantine, lag and last verification of each table, and whether it is ready for cut-over.

    A table is ready when nothing known stands against reading it from MongoDB, and every value was proven equal since
    the collection was last loaded anew. With --watch and --json, each look is one line of JSON.

    Example: atlas-pipeline status infrastructure_atlas
    """
    from atlas_pipeline.settings import Settings

    settings = Settings()
    selection = select_readable(catalog, table, settings)
    counting = not watching if counts is None else counts
    with _Servers(settings) as servers:
        if watching:
            _watch(lambda: servers.asked(lambda target: _look(target, selection, settings, counting)), interval, json)
            return
        board = servers.asked(lambda target: _look(target, selection, settings, counting))
    if json:
        console.print_json({"tables": [one.as_json() for one in board]})
        return
    console.console().print(_table("Status", board))
    for one in board:
        for sentence in one.drift:
            typer.echo(f"{one.table}: {sentence}")


def _look(target: Target, selection: Selection, settings: Settings, counting: bool) -> list[TableStatus]:
    from atlas_pipeline.orchestration.sources import opened_source
    from atlas_pipeline.reporting.status_board import catalog_status

    board: list[TableStatus] = []
    for one, tables in selection:
        if not counting:
            board += catalog_status(target, one, tables, None)
            continue
        with opened_source(one, settings) as source, source.snapshot(label="status") as snapshot:
            board += catalog_status(target, one, tables, snapshot)
    return board


class _Servers:
    """The target, for one look or many: opened when it is needed, and again after a look that failed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._open = ExitStack()
        self._target: Target | None = None

    def __enter__(self) -> _Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def asked(self, ask: Callable[[Target], list[TableStatus]]) -> list[TableStatus]:
        """What the target answers. Raises AtlasError."""
        from atlas_pipeline.load.target import Target
        from atlas_pipeline.local.servers import mongodb

        try:
            if self._target is None:
                server = self._open.enter_context(mongodb(self._settings))
                timeout_ms = self._settings.mongodb_timeout_ms
                self._target = self._open.enter_context(Target(server.uri, timeout_ms=timeout_ms))
            return ask(self._target)
        except AtlasError:
            self._target = None
            self._open.close()
            raise


def _watch(look: Callable[[], list[TableStatus]], interval: float, json: bool) -> None:
    """Show every look until the user, or the system, ends it. Nothing is cut short by that, so it is a good end."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if json:
            watch(look, lambda seen: console.print_json(_line(seen), in_one_line=True), seconds=interval)
        terminal = console.console()
        if not sys.stdout.isatty():
            watch(look, lambda seen: terminal.print(_page(seen)), seconds=interval)
        _watch_in_place(look, interval)
    except KeyboardInterrupt:
        return


def _watch_in_place(look: Callable[[], list[TableStatus]], interval: float) -> None:
    from rich.live import Live

    with Live(console=console.console(), auto_refresh=False) as live:
        watch(look, lambda seen: live.update(_page(seen, one_line=True), refresh=True), seconds=interval)


def _line(seen: Seen[list[TableStatus]]) -> dict[str, Any]:
    """One look for machines."""
    away = seen.outage and {"since": seen.outage.since.isoformat(timespec="seconds"), "why": seen.outage.why}
    tables = [one.as_json() for one in seen.what]
    return {"at": seen.at.isoformat(timespec="seconds"), "away": away, "tables": tables}


def _page(seen: Seen[list[TableStatus]], *, one_line: bool = False) -> RenderableType:
    """One look for people."""
    from rich.console import Group
    from rich.text import Text

    counted = "" if any(one.counts == "now" for one in seen.what) else "; rows and documents as of each last sync"
    table = _table(f"Status at {seen.at.astimezone():%H:%M:%S}{counted}", seen.what, one_line=one_line)
    if seen.outage is None:
        return table
    told = f"Nothing new since {seen.outage.since.astimezone():%H:%M:%S}: {seen.outage.why}"
    return Group(table, Text(told, style="bold red"))


def _table(title: str, board: Sequence[TableStatus], *, one_line: bool = False) -> RenderableType:
    from atlas_pipeline.reporting.board import age, named, verdict

    return console.make_table(
        title,
        [
            "table",
            "policy",
            "source rows",
            "documents",
            "quarantined",
            "indexes",
            "lag",
            "last sync",
            "verified",
            "drift",
            "ready for cut-over",
        ],
        [
            (
                named(one),
                one.policy,
                one.counted.source_rows,
                one.counted.documents,
                one.counted.quarantined,
                f"{one.counted.indexes}/{one.indexes_wanted}",
                age(one.lag_seconds),
                _synced(one),
                verdict(one.verification),
                len(one.drift) or "none",
                "yes" if one.ready else f"no, because {one.because}",
            )
            for one in board
        ],
        _NUMBERS,
        one_line=one_line,
    )


def _synced(one: TableStatus) -> str:
    last = "never" if one.last_sync is None else f"{one.last_sync:%Y-%m-%d %H:%M:%S}"
    return last if one.running is None else f"{last}, running: {one.running['phase'] or one.running['process']}"
