"""The decision of a person that rejected rows stay out, or that they do not.

What does not belong here: which entries are meant, and asking the person.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from atlas_pipeline.errors import TargetError
from atlas_pipeline.load.lease import Lease
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.quarantine_entries import CurrentEntries
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.load.target import Target
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def find(target: Target, catalog: CatalogSpec, table: TableSpec, condition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The current entries that match, without raw rows."""
    with target.translated():
        return CurrentEntries(target.pipeline_database(catalog), catalog, table).find(condition)


def decide(target: Target, catalog: CatalogSpec, table: TableSpec, ids: Sequence[Any], *, discarded: bool) -> None:
    """Mark entries as discarded, or take that back. Nothing is deleted, and doing it again is harmless.

    Raises:
        LeaseHeldError: A run works on the table; it would publish entries of its own.
        TargetError: Some of the entries are not there any more.
    """
    database = target.pipeline_database(catalog)
    run = RunIdentity(run_id=str(uuid.uuid4()), holder=Holder.this_process())
    ledger = TableLedger(database, catalog, table, run)
    with target.translated(), Lease(ledger.tables, ledger.table_id, run):
        decided = CurrentEntries(database, catalog, table).decide(ids, discarded=discarded)
        if decided != len(ids):
            raise TargetError(
                f"{ledger.table_id}: {len(ids)} quarantine entries were to be marked, {decided} are there.",
                "list them anew; a run has published others meanwhile",
            )
