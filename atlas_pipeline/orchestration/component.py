"""The catalog as a Dagster component: operators choose schedule and freshness in YAML, tables are described in
Python.
"""

from __future__ import annotations

from datetime import timedelta

import dagster as dg
from pydantic import Field

from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.orchestration.assets import collection_asset, index_asset, source_asset
from atlas_pipeline.orchestration.automation import skipping_schedule, sync_job, verify_job
from atlas_pipeline.orchestration.verification import values_asset_check


class CatalogComponent(dg.Component, dg.Model, dg.Resolvable):
    """All assets, checks, jobs and schedules of one catalog."""

    catalog: str = Field(description="Name of the catalog.")
    cron: str = Field(default="0 3 * * *", description="When to sync, in cron syntax.")
    verify_cron: str = Field(default="0 5 * * 0", description="When to compare every value, in cron syntax.")
    timezone: str = Field(default="UTC", description="Time zone of the cron expressions.")
    fresh_hours: float = Field(default=26, gt=0, description="Age in hours after which a collection counts as stale.")
    warn_hours: float = Field(default=25, gt=0, description="Age in hours after which it warns.")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Definitions of the catalog; asks no server."""
        del context
        catalog = find_catalog(self.catalog)
        freshness = dg.FreshnessPolicy.time_window(
            fail_window=timedelta(hours=self.fresh_hours), warn_window=timedelta(hours=self.warn_hours)
        )
        values = [values_asset_check(catalog, table) for table in catalog.tables]
        syncing, verifying = sync_job(catalog, values), verify_job(catalog, values)
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
            asset_checks=values,
            jobs=[syncing, verifying],
            schedules=[
                skipping_schedule(
                    catalog, syncing, self.cron, self.timezone, about=f"Syncs {catalog.name} ({self.cron})."
                ),
                skipping_schedule(
                    catalog,
                    verifying,
                    self.verify_cron,
                    self.timezone,
                    about=f"Compares every value of {catalog.name} with its source ({self.verify_cron}).",
                ),
            ],
        )
