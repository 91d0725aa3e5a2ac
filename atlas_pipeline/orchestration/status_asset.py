"""The status board in Dagster: an asset of each catalog that no job makes.

After each run of a catalog, failed or not, somebody who knows its end reports the board as a new materialization: a
sensor, or the command line. An asset downstream of the collections would be withheld by the first one that fails, just
when the board has something to tell. What does not belong here: the board itself (`atlas_pipeline.reporting`).
"""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.orchestration.instance import CATALOG_TAG
from atlas_pipeline.reporting.board import TableStatus, as_markdown
from atlas_pipeline.reporting.status_board import catalog_status
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec

GROUP = "status"
_RUN_ID = "run_id"


def status_key(catalog: CatalogSpec) -> dg.AssetKey:
    return dg.AssetKey([GROUP, catalog.name])


def status_asset(catalog: CatalogSpec) -> dg.AssetSpec:
    """The board as an external asset. It stands alone, in a group of its own: as one node with an edge from every
    collection it would pull the lineage of the tables apart.
    """
    return dg.AssetSpec(
        key=status_key(catalog),
        description=f"How the tables of {catalog.name} stand and which are ready for cut-over, as of the end of each "
        "run. Rows and documents are those of each table's last sync; `atlas-pipeline status` counts them anew.",
        group_name=GROUP,
        kinds={"report"},
        owners=[catalog.owner],
    )


def report_status(instance: dg.DagsterInstance, catalog: CatalogSpec, target: Target, run_id: str) -> bool:
    """Report the board as it is after a run, unless that was done. Gives whether it was done now. Raises TargetError.

    Neither source nor collections are read, so that a sync costs no more for it.
    """
    newest = instance.get_latest_materialization_event(status_key(catalog))
    before = newest.asset_materialization if newest else None
    if before is not None and before.metadata[_RUN_ID].value == run_id:
        return False
    board = catalog_status(target, catalog, catalog.tables, None)
    instance.report_runless_asset_event(_materialization(catalog, board, run_id))
    return True


def report_status_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Report the board of a run's catalog; see `report_status`. False for a run of no catalog."""
    if CATALOG_TAG not in run.tags:
        return False
    settings = Settings()
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        return report_status(instance, find_catalog(run.tags[CATALOG_TAG]), target, run.run_id)


def _materialization(catalog: CatalogSpec, board: Sequence[TableStatus], run_id: str) -> dg.AssetMaterialization:
    ready = sum(one.ready for one in board)
    return dg.AssetMaterialization(
        asset_key=status_key(catalog),
        description=f"{ready} of {len(board)} tables ready for cut-over",
        metadata={
            "board": dg.MetadataValue.md(as_markdown(board)),
            "tables": len(board),
            "ready": ready,
            "failed": sum(one.failed is not None for one in board),
            "quarantined": sum(one.counted.quarantined - one.counted.discarded for one in board),
            "longest_lag_seconds": round(max((one.lag_seconds or 0.0 for one in board), default=0.0), 1),
            _RUN_ID: run_id,
        },
    )
