"""A job with a table that is loaded in ranges, as every process of Dagster finds it again by its name.

`python -m atlas_pipeline_tests.orchestration.ranged_jobs` runs it, as the environment says, so that tests can kill who
works for it. What does not belong here: looking at what it did.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import dagster as dg

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS as CATALOG
from atlas_pipeline.orchestration.assets import source_asset
from atlas_pipeline.orchestration.executors import executor_of
from atlas_pipeline.orchestration.index_assets import index_asset
from atlas_pipeline.orchestration.instance import CATALOG_TAG, open_instance
from atlas_pipeline.orchestration.ranged_asset import ranged_collection_asset
from atlas_pipeline.orchestration.resources import PipelineResource
from atlas_pipeline.settings import Settings

RANGES = 4
"""Into which the rows of the smallest sample are cut."""
_WHOLE = CATALOG.table("chat_messages")
TABLE = replace(_WHOLE, sync=replace(_WHOLE.sync, load="ranged", rows_per_range=50))
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
TAGS = {CATALOG_TAG: CATALOG.name}


def ranged_definitions() -> dg.Definitions:
    """The table alone, with the executor that the environment asks for."""
    return dg.Definitions(
        assets=[
            source_asset(CATALOG, TABLE),
            ranged_collection_asset(CATALOG, TABLE, None),
            index_asset(CATALOG, TABLE),
        ],
        jobs=[dg.define_asset_job("ranged", executor_def=executor_of(Settings()))],
        resources={"pipeline": PipelineResource()},
    )


def ranged_job() -> dg.JobDefinition:
    """The job."""
    return ranged_definitions().resolve_job_def("ranged")


if __name__ == "__main__":
    from atlas_pipeline_tests.orchestration.ranged_jobs import ranged_job as job  # by the name that others know

    with open_instance(Settings()) as opened:
        result = dg.execute_job(dg.reconstructable(job), opened, run_config=QUIET, tags=TAGS)
    sys.exit(0 if result.success else 1)
