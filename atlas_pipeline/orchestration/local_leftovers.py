"""What this deployment keeps beside the servers and nobody needs any more: the history in Dagster, reports, Data Docs,
and private copies that a dead process left.

What does not belong here: what lies on the target server (`atlas_pipeline.load.leftovers`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import dagster as dg
from dagster import DagsterRunStatus, RunsFilter

from atlas_pipeline.extract.sqlite_source import abandoned
from atlas_pipeline.load.leftover import Leftover
from atlas_pipeline.orchestration.instance import CATALOG_TAG
from atlas_pipeline.orchestration.metadata import collection_key, indexes_key
from atlas_pipeline.orchestration.status_asset import status_key
from atlas_pipeline.quality.checks import CHECKS
from atlas_pipeline.quality.history import History
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.quality.values import VALUES
from atlas_pipeline.settings import Settings
from atlas_pipeline.spec.catalogs import CatalogSpec

_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_MOST = 1_000
"""Status boards that are counted."""
_REPORT_FILES = {"index.html", "report.json"}


def find_in_dagster(instance: dg.DagsterInstance, catalog: CatalogSpec, before: datetime) -> Iterator[Leftover]:
    """Ended runs of a catalog from before that moment, but the last of each asset and check; and old status boards."""
    last = _last_runs(instance, catalog)
    filters = RunsFilter(tags={CATALOG_TAG: catalog.name}, statuses=_ENDED, created_before=before)
    old = [run.run_id for run in instance.get_runs(filters) if run.run_id not in last]
    if old:
        yield Leftover(
            kind="Dagster runs",
            place=f"job runs of {catalog.name}",
            count=len(old),
            why=f"older than {before:%Y-%m-%d}, and later runs made each asset of theirs",
            remove=lambda: _delete_runs(instance, old),
        )
    newest = instance.fetch_materializations(status_key(catalog), limit=1).records
    filters_of_boards = dg.AssetRecordsFilter(status_key(catalog), before_timestamp=before.timestamp())
    boards = [one.storage_id for one in instance.fetch_materializations(filters_of_boards, limit=_MOST).records]
    if newest and newest[0].asset_materialization and boards not in ([], [newest[0].storage_id]):
        board = newest[0].asset_materialization
        yield Leftover(
            kind="status boards",
            place=status_key(catalog).to_user_string(),
            count=len(boards),
            why=f"older than {before:%Y-%m-%d}; Dagster forgets all of them, and the newest is reported again",
            remove=lambda: _report_again(instance, board),
        )


def find_files(settings: Settings, before: datetime) -> Iterator[Leftover]:
    """Reports and Data Docs from before that moment, and private copies of sources that a dead process left."""
    if reports := [folder for folder in _folders(settings.reports_dir) if _is_old_report(folder, before)]:
        yield Leftover(
            kind="reports",
            place=str(settings.reports_dir),
            count=len(reports),
            why=f"older than {before:%Y-%m-%d}",
            remove=lambda: _remove_reports(reports),
        )
    history = History(settings.state)
    if pages := history.older(before):
        yield Leftover(
            kind="Data Docs pages",
            place=str(settings.data_docs_dir),
            count=pages,
            why=f"of runs older than {before:%Y-%m-%d}",
            remove=lambda: _forget_pages(settings, before),
        )
    if copies := abandoned(settings.snapshots_dir):
        yield Leftover(
            kind="private copies",
            place=str(settings.snapshots_dir),
            count=len(copies),
            why="the process that made them is gone",
            remove=lambda: _unlink(copies),
        )


def _last_runs(instance: dg.DagsterInstance, catalog: CatalogSpec) -> set[str]:
    """The runs of which the UI shows something as the last word on an asset or a check."""
    assets = [key(catalog, table) for table in catalog.tables for key in (collection_key, indexes_key)]
    made = [event.run_id for event in instance.get_latest_materialization_events(assets).values() if event is not None]
    checks = [dg.AssetCheckKey(asset, check.name) for asset in assets for check in (*CHECKS, VALUES)]
    evaluated = map(instance.get_latest_asset_check_evaluation_record, checks)
    return {*made, *(record.run_id for record in evaluated if record is not None)}


def _delete_runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        instance.delete_run(run_id)


def _report_again(instance: dg.DagsterInstance, board: dg.AssetMaterialization) -> None:
    instance.wipe_assets([board.asset_key])
    instance.report_runless_asset_event(board)


def _folders(parent: Path) -> list[Path]:
    return sorted(path for path in parent.iterdir() if path.is_dir()) if parent.is_dir() else []


def _is_old_report(folder: Path, before: datetime) -> bool:
    """Whether a folder is called like a run, holds its report and nothing else, and is old."""
    try:
        UUID(folder.name)
    except ValueError:
        return False
    files = list(folder.iterdir())
    newest = max((path.stat().st_mtime for path in files), default=None)
    return (
        newest is not None
        and {path.name for path in files} <= _REPORT_FILES
        and datetime.fromtimestamp(newest, UTC) < before
    )


def _remove_reports(folders: Iterable[Path]) -> None:
    for folder in folders:
        _unlink(folder / name for name in _REPORT_FILES)
        folder.rmdir()


def _forget_pages(settings: Settings, before: datetime) -> None:
    History(settings.state).forget(settings.data_docs_dir, before)
    ExpectationsProject(
        root=settings.expectations_dir, state=settings.state, reports_url=settings.reports_url
    ).finish_run()  # an index without what is gone


def _unlink(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
