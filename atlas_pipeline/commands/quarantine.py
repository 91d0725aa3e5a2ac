"""`quarantine list|show|replay|discard`: the rows that could not become documents, and what is done about them."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.quarantine_filters import ENTRY_COLUMNS, Filters, as_json, entry_rows, shown
from atlas_pipeline.commands.quarantine_options import CHOICE, MARKS, filtered
from atlas_pipeline.commands.selection import Selection, select
from atlas_pipeline.errors import EXIT_DIFFERENCES, EXIT_DONE, ConfigurationError

if TYPE_CHECKING:
    from atlas_pipeline.load.replay import Replayed
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.spec.catalogs import CatalogSpec
    from atlas_pipeline.spec.tables import TableSpec

app = typer.Typer(help="Look at rejected rows, try them again, or decide that they stay out.", no_args_is_help=True)


@app.command("list")
@filtered(CHOICE | MARKS)
def list_entries(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    *,
    filters: Filters,
    limit: Annotated[int, typer.Option(min=1, help="At most so many entries.")] = 100,
    json: console.Json = False,
) -> None:
    """List rejected rows with key, column and reason; without those that somebody has discarded.

    Example: atlas-pipeline quarantine list infrastructure_atlas --table users
    """
    found: list[dict[str, Any]] = []
    total = 0
    selection = select(catalog, table)
    with _target() as target:
        for one, each in _tables(selection):
            entries = target.pipeline_database(one)["quarantine"]
            query = {"catalog": one.name, "collection": each.collection, **filters.condition(each)}
            with target.translated():
                total += entries.count_documents(query)
                found += entries.find(query, {"row": 0}).sort("_id", 1).limit(max(limit - len(found), 1))
    found = found[:limit]
    if json:
        console.print_json({"total": total, "entries": [as_json(entry) for entry in found]})
        return
    title = f"{total:,} rejected rows" + (f", the first {limit:,}" if total > limit else "")
    console.print_table(title, ENTRY_COLUMNS, entry_rows(found))


@app.command()
def show(
    entry: Annotated[str, typer.Argument(help="Id of an entry, as `quarantine list` shows it.")],
    unseal: Annotated[
        bool, typer.Option("--unseal", help="Open sealed values of secret columns with ATLAS_QUARANTINE_KEY.")
    ] = False,
    json: console.Json = False,
) -> None:
    """Show one rejected row with its raw values; secret ones are left out, or sealed.

    Example: atlas-pipeline quarantine show infrastructure_atlas.users:0f3c:1
    """
    from atlas_pipeline.load.sealing import is_sealed, make_sealer
    from atlas_pipeline.settings import Settings

    sealer = make_sealer(Settings().quarantine_key) if unseal else None
    if unseal and sealer is None:
        raise ConfigurationError("There is no key to unseal with.", "set ATLAS_QUARANTINE_KEY")
    ((one, _),) = select(entry.partition(".")[0], None)
    with _target() as target, target.translated():
        found = target.pipeline_database(one)["quarantine"].find_one({"_id": entry})
    if found is None:
        raise ConfigurationError(f"There is no quarantine entry {entry!r}.", "see `atlas-pipeline quarantine list`")
    row = {
        name: shown(sealer.open(value) if sealer and is_sealed(value) else value)
        for name, value in found["row"].items()
    }
    told = {**as_json(found), "discarded_at": found.get("discarded_at"), "row": row}
    if json:
        console.print_json(told)
        return
    console.print_table(
        entry,
        ["", "value"],
        [(name, value) for name, value in told.items() if name != "row"]
        + [(f"row.{name}", json_module.dumps(value, ensure_ascii=False, default=str)) for name, value in row.items()],
    )


@app.command()
@filtered(CHOICE | MARKS)
def replay(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    *,
    filters: Filters,
    json: console.Json = False,
) -> None:
    """Read rejected rows anew at the source, and load those that can be loaded now.

    An entry is closed when its document has been read back, or when its row is gone at the source. Exit code 1: some
    entries remain.

    Example: atlas-pipeline quarantine replay infrastructure_atlas --table users
    """
    from atlas_pipeline.orchestration.table_replay import replay_tables
    from atlas_pipeline.settings import Settings

    settings = Settings()
    selection = select(catalog, table)
    replayed: list[Replayed] = []
    with _target() as target:
        for one, tables in selection:
            conditions = {each.collection: filters.condition(each) for each in tables}
            replayed += replay_tables(target, one, tables, conditions, settings)
    _tell_replayed(replayed, json=json)
    raise typer.Exit(EXIT_DIFFERENCES if any(one.remaining for one in replayed) else EXIT_DONE)


@app.command()
@filtered(CHOICE)
def discard(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    *,
    filters: Filters,
    undo: Annotated[bool, typer.Option("--undo", help="Take it back for entries that were discarded.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: console.Json = False,
) -> None:
    """Decide that rejected rows stay out: they are no longer listed and count against no error budget.

    Nothing is deleted. The mark holds as long as the row is refused with the same values for the same reason.

    Example: atlas-pipeline quarantine discard infrastructure_atlas --table users --code not_utf8
    """
    from atlas_pipeline.load.discarding import decide, find

    filters = replace(filters, discarded=undo)
    selection = select(catalog, table)
    with _target() as target:
        found = {each.collection: find(target, one, each, filters.condition(each)) for one, each in _tables(selection)}
        entries = [entry for of_table in found.values() for entry in of_table]
        if entries and not yes:
            _ask(f"{'Take back that' if undo else 'Decide that'} {len(entries):,} rejected rows stay out?")
        for one, each in _tables(selection):
            if of_table := found[each.collection]:
                decide(target, one, each, [entry["_id"] for entry in of_table], discarded=not undo)
    done = [{**entry, "discarded": not undo} for entry in entries]
    if json:
        console.print_json({"discarded": 0 if undo else len(done), "entries": [as_json(entry) for entry in done]})
        return
    console.print_table(f"{len(done):,} rows {'no longer ' * undo}discarded", ENTRY_COLUMNS, entry_rows(done))


def _tell_replayed(replayed: list[Replayed], *, json: bool) -> None:
    told = {
        name: [entry for one in replayed for entry in getattr(one, name)] for name in ("landed", "gone", "remaining")
    }
    for note in (note for one in replayed for note in one.recovered):
        typer.echo(note, err=True)
    if json:
        counts = {"replayed": sum(map(len, told.values()))}
        console.print_json(counts | {name: [as_json(entry) for entry in entries] for name, entries in told.items()})
        return
    titles = {
        "landed": "landed as documents; their entries are closed",
        "gone": "gone at the source; their entries are closed",
        "remaining": "remain",
    }
    for name, entries in told.items():
        if entries:
            console.print_table(f"{len(entries):,} rows {titles[name]}", ENTRY_COLUMNS, entry_rows(entries))
    if not any(told.values()):
        typer.echo("no entries")


def _ask(question: str) -> None:
    """Go on only when a person says so. Raises ConfigurationError where nobody can be asked."""
    if not sys.stdin.isatty():
        raise ConfigurationError("Nobody can be asked here.", "say --yes")
    typer.confirm(question, abort=True, err=True)


@contextmanager
def _target() -> Iterator[Target]:
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.settings import Settings

    settings = Settings()
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        yield target


def _tables(selection: Selection) -> Iterator[tuple[CatalogSpec, TableSpec]]:
    return ((one, table) for one, tables in selection for table in tables)
