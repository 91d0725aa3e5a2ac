"""`doctor`: can it connect, is the schema the expected one, do collections, indexes and permissions fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

from atlas_pipeline.commands import console
from atlas_pipeline.commands.findings import Finding, examine_collection, wrong
from atlas_pipeline.commands.selection import select_readable
from atlas_pipeline.errors import EXIT_CANNOT, AtlasError

if TYPE_CHECKING:
    from atlas_pipeline.extract.snapshot import Snapshot
    from atlas_pipeline.load.evolution import Judged
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.settings import Settings
    from atlas_pipeline.spec.catalogs import CatalogSpec
    from atlas_pipeline.spec.tables import TableSpec


def doctor(catalog: console.CatalogName = None, table: console.TableName = None, json: console.Json = False) -> None:
    """Look at source, server, schema, collections, indexes and permissions, and say what would stop a sync.

    Writes nothing but a small collection that it removes again, to see whether it may.

    Example: atlas-pipeline doctor infrastructure_atlas
    """
    from atlas_pipeline.settings import Settings

    settings = Settings()
    findings = [
        finding
        for one, tables in select_readable(catalog, table, settings)
        for finding in _examine(one, tables, settings)
    ]
    ok = all(finding.state != "wrong" for finding in findings)
    if json:
        console.print_json({"ok": ok, "findings": [asdict(finding) for finding in findings]})
    else:
        console.print_table(
            "Doctor",
            ["subject", "state", "detail", "cure"],
            [(finding.subject, finding.state, finding.detail, finding.cure) for finding in findings],
        )
    raise typer.Exit(0 if ok else EXIT_CANNOT)


def _examine(catalog: CatalogSpec, tables: tuple[TableSpec, ...], settings: Settings) -> Iterator[Finding]:
    from atlas_pipeline.load.evolution import judge
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.sources import opened_source

    with ExitStack() as opened:
        snapshot: Snapshot | None = None
        try:
            source = opened.enter_context(opened_source(catalog, settings))
            snapshot = opened.enter_context(source.snapshot(label="doctor"))
            yield Finding("source", "ok", f"{source.description}, read by {snapshot.description}")
        except AtlasError as error:
            yield wrong("source", error)
        if snapshot is not None:
            left_alone = ", ".join(catalog.left_alone(snapshot.tables())) or "none"
            yield Finding("source tables", "note", f"not in the catalog, so not moved: {left_alone}")
        try:
            server = opened.enter_context(mongodb(settings))
            target = opened.enter_context(Target(server.uri, timeout_ms=settings.mongodb_timeout_ms))
            yield Finding("server", "ok", f"MongoDB {server.version} at {target.address} ({server.origin})")
        except AtlasError as error:
            yield wrong("server", error)
            if snapshot is not None:
                for table in tables:
                    yield from _schema(judge(snapshot, table, {}))
            return
        if snapshot is not None:
            for table in tables:
                yield from _schema(judge(snapshot, table, _state(target, catalog, table)))
        yield _asked(
            "permissions", lambda: _try_permissions(target, catalog), "may create, rename and drop collections"
        )
        for table in tables:
            yield from examine_collection(target, catalog, table, snapshot)


def _state(target: Target, catalog: CatalogSpec, table: TableSpec) -> dict[str, Any]:
    """What the ledger knows of the table."""
    with target.translated():
        return target.pipeline_database(catalog)["tables"].find_one({"_id": f"{catalog.name}.{table.collection}"}) or {}


def _schema(judged: Judged) -> Iterator[Finding]:
    findings = judged.findings
    subject = f"schema of {findings.table}"
    if judged.stops:
        yield Finding(subject, "wrong", " ".join(judged.stops), judged.cure)
    if findings.evolved:
        yield Finding(
            subject, "note", f"columns that joined by themselves: {', '.join(findings.evolved)}", "add them to the spec"
        )
    if findings.refused:
        told = f"columns for which rows go to the quarantine: {', '.join(findings.refused)}"
        yield Finding(subject, "note", told, "add them to the spec")
    if findings.retyped:
        yield Finding(
            subject, "note", f"other declared types: {'; '.join(findings.retyped)}", "values are judged one by one"
        )
    if findings.unknown:
        yield Finding(
            subject, "note", f"columns that are not moved: {', '.join(findings.unknown)}", "add them to the spec"
        )
    if not (judged.stops or findings.evolved or findings.refused or findings.retyped or findings.unknown):
        yield Finding(subject, "ok", "as the catalog describes it")


def _try_permissions(target: object, catalog: CatalogSpec) -> None:
    import os

    from atlas_pipeline.load.target import Target

    assert isinstance(target, Target)
    with target.translated():
        for database in (target.database(catalog), target.pipeline_database(catalog)):
            name = f"doctor__staging_{os.getpid()}"
            try:
                database[name].insert_one({"_id": 1})
                database.client.admin.command(
                    "renameCollection", f"{database.name}.{name}", to=f"{database.name}.{name}_renamed", dropTarget=True
                )
            finally:
                database.drop_collection(name)
                database.drop_collection(f"{name}_renamed")


def _asked(subject: str, ask: Callable[[], None], fine: str) -> Finding:
    try:
        ask()
    except AtlasError as error:
        return wrong(subject, error)
    return Finding(subject, "ok", fine)
