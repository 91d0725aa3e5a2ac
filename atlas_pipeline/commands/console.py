"""How commands speak: tables and progress for people on a terminal, one JSON value for machines.

With `--json`, standard output holds that JSON and nothing else. Progress and notes go to standard error.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console, JustifyMethod, OverflowMethod
    from rich.table import Table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON value on standard output, and nothing else there.")]
CatalogName = Annotated[str | None, typer.Argument(help="Catalog; all of them unless given.", show_default=False)]
TableName = Annotated[
    list[str] | None,
    typer.Option("--table", help="Only this table or collection; may be repeated.", show_default=False),
]


def console() -> Console:
    """Standard output for people. Piped output is never cut to a terminal's width."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=160)


def notes() -> Console:
    """Standard error for people."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def print_json(value: Any, *, in_one_line: bool = False) -> None:
    """The answer of a command for machines."""
    typer.echo(json.dumps(value, default=_plain, ensure_ascii=False, indent=None if in_one_line else 2))


def print_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[str] = ()
) -> None:
    """A table for people; columns in `numbers` are aligned to the right."""
    console().print(make_table(title, columns, rows, numbers))


def make_table(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    numbers: Sequence[str] = (),
    *,
    one_line: bool = False,
) -> Table:
    """A table for people; with `one_line`, what does not fit into a line of the terminal is cut off."""
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", title_style="bold")
    overflow: OverflowMethod = "ellipsis" if one_line else "fold"
    for column in columns:
        justify: JustifyMethod = "right" if column in numbers else "left"
        table.add_column(column, justify=justify, overflow=overflow, no_wrap=one_line)
    for row in rows:
        table.add_row(*(value if isinstance(value, Text) else Text(_shown(value)) for value in row))
    return table


@contextmanager
def progress_of(totals: Mapping[str, int]) -> Iterator[Any]:
    """Progress bars on a terminal, with rows, rate and remaining time; nothing when output is piped.

    Args:
        totals: Collection -> rows that will pass.

    Yields:
        A function `(collection, rows)` to call as rows are done.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    bars = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(compact=True),
        console=notes(),
        disable=not sys.stderr.isatty(),
    )
    with bars:
        everything = bars.add_task("[bold]all tables", total=sum(totals.values()), rate="")
        tasks = {name: bars.add_task(name, total=total, rate="", visible=False) for name, total in totals.items()}

        def advance(collection: str, rows: int) -> None:
            for task in (everything, tasks[collection]):
                bars.update(task, advance=rows, visible=True)
                speed = bars.tasks[bars.task_ids.index(task)].speed
                bars.update(task, rate=f"{speed:,.0f} rows/s" if speed else "")

        yield advance


def collect_less_garbage() -> None:
    """Look for reference cycles less often: with all libraries loaded, that was a seventh of a run's time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M:%S")
    return str(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else str(value)
