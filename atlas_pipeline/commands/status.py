"""`status`: per table, what is in source, collection and quarantine, and whether it is ready."""

from __future__ import annotations

from typing import Any

from atlas_pipeline.commands import console
from atlas_pipeline.commands.selection import select_readable
from atlas_pipeline.settings import Settings


def status(catalog: console.CatalogName = None, table: console.TableName = None, json: console.Json = False) -> None:
    """Show rows, documents, quarantine and indexes of each table, and what keeps it from being ready.

    Example: atlas-pipeline status infrastructure_atlas
    """
    from atlas_pipeline.load.target import Target
    from atlas_pipeline.local.servers import mongodb
    from atlas_pipeline.orchestration.sources import opened_source
    from atlas_pipeline.reporting.status_board import table_status

    settings = Settings()
    rows: list[dict[str, Any]] = []
    selection = select_readable(catalog, table, settings)
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        for one, tables in selection:
            with (
                opened_source(one, settings) as source,
                source.snapshot(label="status") as snapshot,
                target.translated(),
            ):
                rows += [table_status(target, one, each, snapshot) for each in tables]
    if json:
        console.print_json({"tables": rows})
        return
    console.print_table(
        "Status",
        [
            "table",
            "collection",
            "source rows",
            "documents",
            "quarantined",
            "indexes",
            "last sync",
            "verified",
            "ready",
            "because",
        ],
        [
            (
                row["table"],
                row["collection"],
                row["source_rows"],
                row["documents"],
                row["quarantined"],
                row["indexes"],
                (row["last_sync"] or "never")[:19].replace("T", " "),
                (row["last_verified"] or "never")[:19].replace("T", " "),
                row["ready"],
                row["because"],
            )
            for row in rows
        ],
        numbers=["source rows", "documents", "quarantined", "indexes"],
    )
