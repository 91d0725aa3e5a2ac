"""A program: the run of some tables of the catalog, by the job of the code location and the executor of the settings.

What belongs here: the process of a run, as the code server starts it. What does not: who carries out its steps.
"""

from __future__ import annotations

import sys

import dagster as dg

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.orchestration.automation import job_name
from atlas_pipeline.orchestration.instance import CATALOG_TAG, open_instance
from atlas_pipeline.quality.checks import CHECKS
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.orchestration.jobs import job

CATALOG = INFRASTRUCTURE_ATLAS
MODULE = "atlas_pipeline_tests.machines.some_tables"


def job_of(*tables: str) -> dg.JobDefinition:
    """The part of the catalog's job that syncs these tables; workers make it again by this function's name."""
    collections = {dg.AssetKey([CATALOG.name, name]) for name in tables}
    indexes = {dg.AssetKey([CATALOG.name, f"{name}_indexes"]) for name in tables}
    checks = {dg.AssetCheckKey(key, check.name) for key in collections for check in CHECKS}
    whole = job(job_name(CATALOG))
    return whole.get_subset(asset_selection=collections | indexes, asset_check_selection=checks)


def main(*tables: str) -> int:
    """Run it to its end; 0 when all steps succeeded."""
    with open_instance(Settings()) as instance:
        rebuilt = dg.build_reconstructable_job(MODULE, job_of.__name__, tables)
        tags = {CATALOG_TAG: CATALOG.name}
        with dg.execute_job(rebuilt, instance=instance, tags=tags, raise_on_error=False) as result:
            return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
