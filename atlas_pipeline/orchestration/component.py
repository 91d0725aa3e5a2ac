"""The catalog as a Dagster component: operators choose schedules and freshness in YAML, tables are described in
Python.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import dagster as dg
from pydantic import Field

from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.errors import ConfigurationError
from atlas_pipeline.orchestration.assets import collections_asset, source_asset
from atlas_pipeline.orchestration.automation import (
    index_sensor,
    policy_job,
    reconcile_job,
    skipping_schedule,
    sync_job,
    verify_job,
)
from atlas_pipeline.orchestration.index_assets import index_asset
from atlas_pipeline.orchestration.ranged_asset import ranged_collection_asset
from atlas_pipeline.orchestration.status_asset import status_asset
from atlas_pipeline.orchestration.verification import values_asset_check
from atlas_pipeline.spec.catalogs import CatalogSpec
from atlas_pipeline.spec.sync import Mode
from atlas_pipeline.spec.tables import TableSpec


class CatalogComponent(dg.Component, dg.Model, dg.Resolvable):
    """All assets, checks, jobs, schedules and sensors of one catalog."""

    catalog: str = Field(description="Name of the catalog.")
    cron: str = Field(default="0 3 * * *", description="When to sync all tables, in cron syntax.")
    policy_crons: dict[Mode, str] = Field(
        default={},
        description="When to sync the tables with a sync policy besides, by policy: reload, reconcile, watermark, "
        "append. A policy that no table has gets no job.",
    )
    reconcile_cron: str | None = Field(
        default=None,
        description="When to read the tables with a cursor whole, for deletes and what the cursor missed. Unset: only "
        "as often as `reconcile_every` of a table says.",
    )
    verify_cron: str = Field(default="0 5 * * 0", description="When to compare every value, in cron syntax.")
    timezone: str = Field(default="UTC", description="Time zone of the cron expressions.")
    fresh_hours: float = Field(default=26, description="Age in hours after which a collection counts as stale.")
    warn_hours: float = Field(default=25, description="Age in hours after which it warns.")

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Definitions of the catalog; asks no server."""
        del context
        catalog = find_catalog(self.catalog)
        freshness = self._freshness()
        steps = [catalog.tables] if catalog.publish == "together" else [(table,) for table in catalog.tables]
        values = [values_asset_check(catalog, table) for table in catalog.tables]
        schedules = self._schedules(catalog, values)
        return dg.Definitions(
            assets=[
                *(source_asset(catalog, table) for table in catalog.tables),
                *(_collections(catalog, tables, freshness) for tables in steps),
                *(index_asset(catalog, table) for table in catalog.tables),
                status_asset(catalog),
            ],
            asset_checks=values,
            jobs=[job for job, _ in schedules],
            schedules=[skipping_schedule(catalog, job, cron, self.timezone) for job, cron in schedules],
            sensors=[index_sensor(catalog)],
        )

    def _schedules(
        self, catalog: CatalogSpec, values: list[dg.AssetChecksDefinition]
    ) -> list[tuple[dg.UnresolvedAssetJobDefinition, str]]:
        """The jobs, each with its cron expression."""
        wanted = [(sync_job(catalog, values), self.cron), (verify_job(catalog, values), self.verify_cron)]
        wanted += [(policy_job(catalog, mode, values), cron) for mode, cron in self.policy_crons.items()]
        if self.reconcile_cron is not None:
            wanted.append((reconcile_job(catalog, values), self.reconcile_cron))
        return [(job, cron) for job, cron in wanted if job is not None]

    def _freshness(self) -> dg.FreshnessPolicy:
        fail, warn = timedelta(hours=self.fresh_hours), timedelta(hours=self.warn_hours)
        if not timedelta(minutes=1) <= warn < fail:
            raise ConfigurationError(
                f"{self.catalog}: fresh_hours is {self.fresh_hours:g}, warn_hours {self.warn_hours:g}.",
                "use a minute at least, and warn before a collection counts as stale",
            )
        return dg.FreshnessPolicy.time_window(fail_window=fail, warn_window=warn)


def _collections(
    catalog: CatalogSpec, tables: Sequence[TableSpec], freshness: dg.FreshnessPolicy | None
) -> dg.AssetsDefinition:
    """What loads the collections of these tables: one step, or several for a single large table."""
    if len(tables) == 1 and tables[0].sync.load == "ranged":
        return ranged_collection_asset(catalog, tables[0], freshness)
    return collections_asset(catalog, tables, freshness)
