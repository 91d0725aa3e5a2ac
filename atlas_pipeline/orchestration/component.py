"""The catalog as a Dagster component: operators choose schedule and freshness in YAML, tables are described in
Python.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
from pydantic import Field

from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.orchestration.assets import collection_asset, index_asset, source_asset
from atlas_pipeline.orchestration.automation import sync_job, sync_schedule


class CatalogComponent(dg.Component, dg.Model, dg.Resolvable):
    """All assets, checks, the job and the schedule of one catalog."""

    catalog: str = Field(description="Name of the catalog.")
    cron: str = Field(default="0 3 * * *", description="When to sync, in cron syntax.")
    timezone: str = Field(default="UTC", description="Time zone of the cron expression.")
    fresh_hours: float = Field(default=26, gt=0, description="Age in hours after which a collection counts as stale.")
    warn_hours: float = Field(default=25, gt=0, description="Age in hours after which it warns.")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Definitions of the catalog; asks no server."""
        del context
        catalog = find_catalog(self.catalog)
        freshness = dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=self.fresh_hours), warn_window=timedelta(hours=self.warn_hours)
        )
        job = sync_job(catalog)
        return dg.Definitions(
            assets=[
                asset
                for table in catalog.tables
                for asset in (
                    source_asset(catalog, table),
                    collection_asset(catalog, table, freshness),
                    index_asset(catalog, table),
                )
            ],
            jobs=[job],
            schedules=[sync_schedule(catalog, job, self.cron, self.timezone)],
        )
