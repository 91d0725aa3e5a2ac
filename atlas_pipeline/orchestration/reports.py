"""Writing the report of a Dagster run, whoever asks: the command line, or a sensor after a scheduled run."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from atlas_pipeline.catalogs.registry import find_catalog
from atlas_pipeline.errors import AtlasError
from atlas_pipeline.load.target import Target
from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.orchestration.sources import opened_source
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reporting.run_report import RunReport, write_run_report
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec


def write_report(catalog: CatalogSpec, run_id: str, target: Target, settings: Settings) -> RunReport:
    """Write a run's report and bring the index of Data Docs up to date."""
    try:
        with opened_source(catalog, settings) as source, source.snapshot(label=run_id) as snapshot:
            left_alone = catalog.left_alone(snapshot.tables())
    except AtlasError as error:
        left_alone = (f"unknown, because the source cannot be read: {error}",)
    report = write_run_report(
        database=target.pipeline_database(catalog),
        catalog=catalog,
        run_id=run_id,
        folder=settings.reports_dir,
        left_alone=left_alone,
    )
    ExpectationsProject(
        root=settings.expectations_dir, state=settings.state, reports_url=settings.reports_url
    ).finish_run()
    return report


def write_report_of_run(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Path:
    """Write the report of a Dagster run of a catalog; gives the page."""
    del instance  # the ledger has it all
    settings = Settings()
    with mongodb(settings) as server, Target(server.uri, timeout_ms=settings.mongodb_timeout_ms) as target:
        return write_report(find_catalog(run.tags["catalog"]), run.run_id, target, settings).html
