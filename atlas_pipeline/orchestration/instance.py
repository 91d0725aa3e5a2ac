"""The Dagster instance of this project: its home, its pools, and runs that a dead process left behind."""

from __future__ import annotations

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from atlas_pipeline.catalogs.registry import CATALOGS
from atlas_pipeline.load.run import Holder, RunIdentity
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec

CATALOG_TAG = "catalog"
PROCESS_TAG = "atlas/process"
ACTIVE = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_DAGSTER_YAML = """\
# Made by atlas-pipeline for a local instance; edit it freely, it is written once.
telemetry:
  enabled: false
nux:
  enabled: false
# Output of steps goes to the terminal or the log of the process; nothing is captured per step.
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
concurrency:
  runs:
    max_concurrent_runs: 2
    tag_concurrency_limits:
      - key: catalog
        value:
          applyLimitPerUniqueValue: true
        limit: 1
  # One reader at a time protects a source, unless its pool has a limit of its own.
  pools:
    granularity: op
    default_limit: 1
# The daemon looks at the age of every collection; what is too old turns red in the UI.
freshness:
  enabled: true
retention:
  schedule:
    purge_after_days: 90
  sensor:
    purge_after_days:
      skipped: 7
      success: 30
      failure: 90
"""


def prepare_home(settings: Settings) -> None:
    """Make the instance folder and its dagster.yaml unless they are there."""
    settings.dagster_home.mkdir(parents=True, exist_ok=True)
    config = settings.dagster_home / "dagster.yaml"
    if not config.exists():
        config.write_text(_DAGSTER_YAML, encoding="utf-8")


def open_instance(settings: Settings) -> dg.DagsterInstance:
    """The instance that the UI, the daemon and the command line share."""
    prepare_home(settings)
    return dg.DagsterInstance.from_config(str(settings.dagster_home))


def source_pool(catalog: CatalogSpec) -> str:
    """The pool of those who read the source of a catalog."""
    return f"{catalog.name}_source"


def limit_source_pools(instance: dg.DagsterInstance, source_connections: int) -> None:
    """Give the pool of each source its first limit: one reader of an SQLite file, several of a PostgreSQL server.

    A limit that somebody set, in the UI or by `dagster instance concurrency set`, stays.
    """
    if not instance.event_log_storage.supports_global_concurrency_limits:
        return
    known = {pool.name for pool in instance.event_log_storage.get_pool_limits() if not pool.from_default}
    for catalog in CATALOGS.values():
        if source_pool(catalog) not in known:
            limit = 1 if catalog.dialect == "sqlite" else source_connections
            instance.event_log_storage.set_concurrency_slots(source_pool(catalog), limit)


def identity(context: dg.AssetExecutionContext, catalog: CatalogSpec) -> RunIdentity:
    """Who does a step. A run that an asset's button started has no tags of the job, so it gets its catalog here."""
    context.instance.add_run_tags(context.run.run_id, {CATALOG_TAG: catalog.name})
    return RunIdentity(run_id=context.run.run_id, holder=Holder.this_process())


def holder_tags(holder: Holder) -> dict[str, str]:
    """Run tag that says which process works for a run."""
    return {PROCESS_TAG: f"{holder.host}:{holder.pid}:{holder.started!r}"}


def _holder_of(run: dg.DagsterRun) -> Holder | None:
    host, _, rest = run.tags.get(PROCESS_TAG, "").rpartition(":")[0].rpartition(":")
    started = run.tags.get(PROCESS_TAG, "").rpartition(":")[2]
    return Holder(host=host, pid=int(rest), started=float(started)) if host else None


def end_dead_runs(instance: dg.DagsterInstance, catalog: str) -> list[str]:
    """Mark runs of a catalog whose process is gone as failed and free their pool slots. Gives their ids.

    A killed run would stay STARTED and hold its slot for ever.
    """
    ended = []
    for run in instance.get_runs(RunsFilter(tags={CATALOG_TAG: catalog}, statuses=ACTIVE)):
        holder = _holder_of(run)
        if holder is not None and holder.known_dead():
            instance.report_run_failed(run, f"The run died: {holder} is gone.")
            if instance.event_log_storage.supports_global_concurrency_limits:
                instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def has_ended(instance: dg.DagsterInstance, run_id: str) -> bool:
    """Whether a run is known to have ended, or its process to be gone."""
    run = instance.get_run_by_id(run_id)
    if run is None:
        return False
    holder = _holder_of(run)
    return run.is_finished or (holder is not None and holder.known_dead())


def active_run(instance: dg.DagsterInstance, catalog: str) -> dg.DagsterRun | None:
    """A run of the catalog that is queued or works, or None. Dead ones are ended first."""
    end_dead_runs(instance, catalog)
    runs = instance.get_runs(RunsFilter(tags={CATALOG_TAG: catalog}, statuses=ACTIVE), limit=1)
    return next(iter(runs), None)
