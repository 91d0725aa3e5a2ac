"""The first two steps of a table that is loaded in ranges: plan its stretches, and load one. Plain Python, no Dagster.

The last step is an ordinary `TableSync`: it goes on with the staging collection that the stretches are in. What does
not belong here: which steps run when (`ranged_asset`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from atlas_pipeline.embedding.cache import COLLECTION, EmbeddingCache
from atlas_pipeline.load.evolution import judge, require
from atlas_pipeline.load.lease import give_back_ended
from atlas_pipeline.load.ledger import TableLedger
from atlas_pipeline.load.ranged_plan import RangedPlan
from atlas_pipeline.load.stretch_load import StretchLoad
from atlas_pipeline.load.target import Target
from atlas_pipeline.orchestration.table_sync import TableSync, enricher_of
from atlas_pipeline.resync.scope import way_of
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.tables import TableSpec


def plan_stretches(sync: TableSync) -> tuple[int, ...]:
    """Plan how the table is loaded.

    Args:
        sync: What the run is asked for.

    Returns:
        The stretches that are to be loaded, in the order of keys; none when the last step does all of it: for a table
        that is synced in place, or fits into one stretch.

    Raises:
        AtlasError: The table cannot be synced, or not in ranges.
    """
    given, state = _given(sync)
    if way_of(given["table"], state.get("published") or {}, sync.scope) != "reload":
        return ()
    with RangedPlan(**given, force=sync.force) as plan:
        return plan.unloaded


def load_stretch(sync: TableSync, number: int) -> int:
    """Load a planned stretch, unless it is loaded. Gives the number of rows read. Raises AtlasError."""
    given, _ = _given(sync)
    with StretchLoad(number=number, **given, progress=sync.progress) as stretch:
        return stretch.load()


def _given(sync: TableSync) -> tuple[dict[str, Any], dict[str, Any]]:
    """What any work on the table needs, and what the ledger knows of it. Raises AtlasError."""
    pipeline = sync.target.pipeline_database(sync.catalog)
    with sync.target.translated():
        state = TableLedger(pipeline, sync.catalog, sync.table, sync.run).state()
    judged = judge(sync.snapshot, sync.table, state)
    require([judged])
    vectors = EmbeddingCache(pipeline[COLLECTION], comment=sync.run.run_id)
    given = {
        "target": sync.target,
        "catalog": sync.catalog,
        "table": judged.table,
        "snapshot": sync.snapshot,
        "run": sync.run,
        "enricher": enricher_of(judged.table, sync.embedder, vectors),
        "sealer": sync.sealer,
    }
    return given, state


def give_back_leases(
    target: Target, catalog: CatalogSpec, tables: Sequence[TableSpec], has_ended: Callable[[str], bool]
) -> None:
    """Give back the leases of tables that runs hold which have ended between two of their steps.

    Args:
        target: Open connection to the server.
        catalog: Catalog of the tables.
        tables: The tables.
        has_ended: Tells, of the id of a run, whether it is known to have ended.
    """
    leases = target.pipeline_database(catalog)["tables"]
    for table in tables:
        if table.sync.load == "ranged":
            with target.translated():
                give_back_ended(leases, f"{catalog.name}.{table.collection}", has_ended)
