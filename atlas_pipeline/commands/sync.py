"""`sync`: run a catalog's Dagster job in this process, with everything refused beforehand that can be."""

from __future__ import annotations

import signal
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import select_readable

if TYPE_CHECKING:
    from atlas_pipeline.resync.scope import Scope
    from atlas_pipeline.settings import Settings
    from atlas_pipeline.spec.catalogs import CatalogSpec
    from atlas_pipeline.spec.tables import TableSpec


class Mode(StrEnum):
    """How the tables of a run are synced."""

    POLICY = "policy"
    RELOAD = "reload"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What one run did, for people and machines.

    Attributes:
        run_id: Id of the Dagster run.
        records: The ledger's record of each table.
        problems: Sentences on what failed.
        exit_code: Exit code that the run calls for.
        report: The page of the run.
        data_docs: The index of Data Docs.
        seconds: Duration of the run.
    """

    run_id: str
    records: tuple[dict[str, Any], ...]
    problems: tuple[str, ...]
    exit_code: int
    report: Path
    data_docs: Path
    seconds: float


def sync(
    catalog: console.CatalogName = None,
    table: console.TableName = None,
    force: Annotated[
        bool, typer.Option("--force", help="Publish also when a collection would lose most of its documents.")
    ] = False,
    mode: Annotated[
        Mode,
        typer.Option("--mode", help="What each table's policy says; or load it anew; or compare all of it in place."),
    ] = Mode.POLICY,
    first: Annotated[
        list[str] | None, typer.Option("--first", help="Sync only from this key on; once for each key column.")
    ] = None,
    before: Annotated[
        list[str] | None, typer.Option("--before", help="Sync only before this key; once for each key column.")
    ] = None,
    since: Annotated[
        str, typer.Option("--since", help="Sync only rows that changed from this moment on, ISO 8601.")
    ] = "",
    until: Annotated[str, typer.Option("--until", help="Sync only rows that changed before this moment.")] = "",
    json: console.Json = False,
) -> None:
    """Bring collections in step with their tables: load them anew and swap them in, or apply what changed.

    Example: atlas-pipeline sync infrastructure_atlas --table users
    """
    from atlas_pipeline.resync.scope import Scope, moment_from
    from atlas_pipeline.settings import Settings

    settings = Settings()
    scope = Scope(
        mode=mode.value,
        first=tuple(first or ()),
        before=tuple(before or ()),
        since=moment_from(since),
        until=moment_from(until),
    )
    synced = [
        run(one, tables, settings=settings, force=force, scope=scope, trigger="command line")
        for one, tables in select_readable(catalog, table, settings)
    ]
    if json:
        console.print_json(answer(synced))
    else:
        for one in synced:
            show(one)
    raise typer.Exit(max(one.exit_code for one in synced))


def answer(synced: Sequence[Synced]) -> dict[str, Any]:
    """What `--json` prints; other programs rely on its shape."""
    return {
        "ok": all(one.exit_code == 0 for one in synced),
        "run_id": synced[-1].run_id,
        "seconds": round(sum(one.seconds for one in synced), 3),
        "tables": [as_json(record) for one in synced for record in one.records],
        "problems": [problem for one in synced for problem in one.problems],
        "report": str(synced[-1].report),
    }


def run(
    catalog: CatalogSpec,
    tables: Sequence[TableSpec],
    *,
    settings: Settings,
    force: bool,
    trigger: str,
    scope: Scope | None = None,
) -> Synced:
    """Sync tables of one catalog, write the report and bring the status in Dagster up to date. Raises AtlasError when
    the run could not begin.
    """
    from atlas_pipeline.definitions import defs
    from atlas_pipeline.load.sealing import make_sealer
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.execution import preflight, run_sync
    from atlas_pipeline.orchestration.instance import has_ended, open_instance
    from atlas_pipeline.orchestration.ranged_sync import give_back_leases
    from atlas_pipeline.orchestration.reports import write_report
    from atlas_pipeline.orchestration.sources import opened_source
    from atlas_pipeline.orchestration.status_asset import report_status
    from atlas_pipeline.resync.scope import WHOLE

    make_sealer(settings.quarantine_key)  # a wrong key is better found here than in every table
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # asked to end in whatever way, the run is recorded
    with (
        opened_source(catalog, settings) as source,
        mongodb(settings) as server,
        Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target,
    ):
        if any(table.sync.load == "ranged" for table in tables):
            with open_instance(settings) as instance:
                give_back_leases(target, catalog, tables, lambda run_id: has_ended(instance, run_id))
        with source.snapshot(label="preflight") as snapshot:
            totals = preflight(
                target=target, catalog=catalog, tables=tables, snapshot=snapshot, force=force, scope=scope or WHOLE
            )
        run_id = str(uuid.uuid4())
        definitions = defs()
        console.collect_less_garbage()
        began = time.perf_counter()
        with console.progress_of(totals) as progress:
            outcome = run_sync(
                definitions=definitions,
                catalog=catalog,
                tables=tables,
                settings=settings,
                force=force,
                scope=scope or WHOLE,
                run_id=run_id,
                trigger=trigger,
                progress=progress,
            )
        seconds = time.perf_counter() - began
        problems = tuple(f"{problem.step}: {problem.description}" for problem in outcome.problems)
        for problem in problems:
            typer.echo(f"failed {problem}", err=True)
        with target.translated():
            report = write_report(catalog, run_id, target, settings)
        with open_instance(settings) as instance:
            report_status(instance, catalog, target, run_id)
    return Synced(
        run_id=run_id,
        records=report.tables,
        problems=problems,
        exit_code=outcome.exit_code,
        report=report.html,
        data_docs=settings.data_docs_dir / "index.html",
        seconds=seconds,
    )


def as_json(record: dict[str, Any]) -> dict[str, Any]:
    """One table of a run in the shape that other programs may rely on."""
    published = record["status"] == "published"
    return {
        "catalog": record["catalog"],
        "table": record["table"],
        "collection": record["collection"],
        "read": record.get("source_rows", 0),
        **{name: record.get(name, 0) if published else 0 for name in ("inserted", "replaced", "deleted", "unchanged")},
        "quarantined": record.get("quarantined", 0),
        "seconds": round(record.get("seconds", {}).get("total", 0.0), 3),
        "status": record["status"],
        "mode": record.get("mode", "reload"),
    }


def show(synced: Synced) -> None:
    """The run as a table, and where the reports are."""
    console.print_table(
        f"Run {synced.run_id}",
        ["table", "collection", "mode", "source rows", "documents", "changed", "quarantined", "checks", "seconds"],
        [
            (
                record["table"],
                record["collection"],
                record.get("mode"),
                record.get("source_rows"),
                record.get("documents"),
                sum(record.get(name, 0) for name in ("inserted", "replaced", "deleted")),
                record.get("quarantined"),
                _checks(record),
                record.get("seconds", {}).get("total"),
            )
            for record in synced.records
        ],
        numbers=["source rows", "documents", "changed", "quarantined", "seconds"],
    )
    typer.echo(f"{len(synced.records)} tables in {synced.seconds:.1f} s")
    typer.echo(f"report:    {synced.report}")
    typer.echo(f"data docs: {synced.data_docs}")


def _checks(record: dict[str, Any]) -> str:
    checks = record.get("checks", [])
    if record["status"] != "published":
        return f"{record['status']}: {record.get('error', 'a blocking check failed')}"[:60]
    failed = [check for check in checks if not check["passed"]]
    passed = f"{len(checks) - len(failed)} passed"
    warned = sum(check["severity"] == "WARN" for check in failed)
    errors = len(failed) - warned
    return ", ".join([passed, *([f"{warned} warned"] if warned else []), *([f"{errors} failed"] if errors else [])])
