"""One piece of work, done for each table of a selection in turn: `plan`, `verify` and `repair` go through it.

What belongs here: opening servers, sources and targets, progress, which errors skip a table and which stop the
command, and how the command ends. What does not: the work itself, and how its results are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import Selection
from atlas_pipeline.errors import (
    EXIT_CANNOT,
    EXIT_DIFFERENCES,
    EXIT_DONE,
    AtlasError,
    ServerUnavailableError,
    TargetUnavailableError,
)

if TYPE_CHECKING:
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.reconcile.place import Opened, Place
    from atlas_pipeline.settings import Settings

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome(Generic[T]):
    """What came of the tables.

    Attributes:
        results: What the work gave for each table that it was done for, in the order of the selection.
        problems: Sentences on the tables that it could not be done for.
        participle: What was done to the tables, such as `compared`.
    """

    results: list[T]
    problems: list[str]
    participle: str

    def end(self, *, good: bool) -> NoReturn:
        """Tell the problems and end the command.

        Args:
            good: Whether the results are what the user hopes for.

        Raises:
            Exit: Always; with 2 after a problem, else with 0 for good results and 1 for others.
        """
        for problem in self.problems:
            typer.echo(f"not {self.participle}: {problem}", err=True)
        raise typer.Exit(EXIT_CANNOT if self.problems else EXIT_DONE if good else EXIT_DIFFERENCES)


def for_each_table(
    selection: Selection,
    work: Callable[[Opened, Callable[[int], None], Place], T],
    *,
    settings: Settings,
    comment: str,
    participle: str,
    totals: Callable[[Target, Selection], Mapping[str, int]],
) -> Outcome[T]:
    """Do the work for each table. An error skips its table; a server that went away ends it all.

    Args:
        selection: The tables, by catalog.
        work: Gets source and target of a table, a function to call with the number of rows as they are done, and how
            other processes open the same.
        settings: Where the servers are.
        comment: Shown in the server's log and current operations.
        participle: What is done to the tables, for the sentences on problems.
        totals: Gives the rows that will pass, by collection, for the progress bars.

    Raises:
        AtlasError: The target, or the source of a catalog, cannot be opened at all.
    """
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.sources import places

    console.collect_less_garbage()
    outcome: Outcome[T] = Outcome(results=[], problems=[], participle=participle)
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        with target.translated():
            rows = totals(target, selection)
        with console.progress_of(rows) as progress:
            for catalog, tables in selection:
                with places(catalog, settings, mongodb_uri=server.uri, comment=comment) as place_of:
                    for table in tables:
                        name, place = table.collection, place_of(table)
                        try:
                            with place.opened() as opened:
                                outcome.results.append(work(opened, partial(progress, name), place))
                        except (TargetUnavailableError, ServerUnavailableError) as error:
                            outcome.problems.append(f"{name}: {error} Nothing after it was {participle}.")
                            return outcome
                        except AtlasError as error:
                            outcome.problems.append(f"{name}: {error}")
    return outcome


def known_rows(target: Target, selection: Selection) -> dict[str, int]:
    """Rows that the last sync saw, by collection; 0 where there was none."""
    totals: dict[str, int] = {}
    for catalog, tables in selection:
        known = {one["_id"]: one for one in target.pipeline_database(catalog)["tables"].find({}, {"published": 1})}
        for table in tables:
            published = known.get(f"{catalog.name}.{table.collection}", {}).get("published") or {}
            totals[table.collection] = int(published.get("source_rows", 0))
    return totals
