"""`quarantine list|show`: the rows that could not become documents."""

from __future__ import annotations

import json as json_module
from typing import Annotated, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import select
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.settings import Settings

app = typer.Typer(help="Look at rejected rows.", no_args_is_help=True)
_SHOWN = ["table", "key", "column", "code", "reason", "run_id", "first_seen", "last_seen", "published"]


@app.command("list")
def list_entries(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    code: Annotated[str | None, typer.Option(help="Only this reason code, such as not_date.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many entries.")] = 100,
    json: console.Json = False,
) -> None:
    """List rejected rows with key, column and reason.

    Example: atlas-pipeline quarantine list infrastructure_atlas --table users
    """
    found, total = _find(catalog, table, {"code": code} if code else {}, limit)
    if json:
        console.print_json({"total": total, "entries": [_shown(entry) for entry in found]})
        return
    rows = [
        (
            entry["_id"],
            entry["table"],
            _key(entry),
            entry["column"],
            entry["code"],
            entry["reason"],
            entry["first_seen"],
        )
        for entry in found
    ]
    console.print_table(
        f"{total:,} rejected rows" + (f", the first {limit:,}" if total > limit else ""),
        ["id", "table", "key", "column", "code", "reason", "first seen"],
        rows,
    )


@app.command()
def show(
    entry: Annotated[str, typer.Argument(help="Id of an entry, as `quarantine list` shows it.")],
    json: console.Json = False,
) -> None:
    """Show one rejected row with its raw values; secret ones are left out.

    Example: atlas-pipeline quarantine show infrastructure_atlas.users:0f3c:1
    """
    found, _ = _find(entry.partition(".")[0], None, {"_id": entry}, 1)
    if not found:
        raise ConfigurationError(f"There is no quarantine entry {entry!r}.", "see `atlas-pipeline quarantine list`")
    shown = {**_shown(found[0]), "row": {name: _value(value) for name, value in found[0]["row"].items()}}
    if json:
        console.print_json(shown)
        return
    console.print_table(
        str(shown["id"]),
        ["", "value"],
        [(name, value) for name, value in shown.items() if name != "row"]
        + [
            (f"row.{name}", json_module.dumps(value, ensure_ascii=False, default=str))
            for name, value in shown["row"].items()
        ],
    )


def _find(
    catalog: str | None, tables: list[str] | None, condition: dict[str, Any], limit: int
) -> tuple[list[dict[str, Any]], int]:
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb

    settings = Settings()
    selection = select(catalog, tables)
    found: list[dict[str, Any]] = []
    total = 0
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        for one, chosen in selection:
            entries = target.pipeline_database(one)["quarantine"]
            query = {"catalog": one.name, "collection": {"$in": [table.collection for table in chosen]}, **condition}
            with target.translated():
                total += entries.count_documents(query)
                found += entries.find(query).sort([("collection", 1), ("_id", 1)]).limit(limit)
    return found[:limit], total


def _shown(entry: dict[str, Any]) -> dict[str, Any]:
    return {"id": entry["_id"], **{name: entry[name] for name in _SHOWN}, "key": _key(entry)}


def _key(entry: dict[str, Any]) -> Any:
    values = [_value(value) for value in entry["key"]]
    return values[0] if len(values) == 1 else values


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return f"0x{value.hex()}"
    if isinstance(value, dict):
        return {name: _value(inner) for name, inner in value.items()}
    return value
