"""What `clean` finds on this machine: old Dagster runs, boards, reports, pages and copies, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.orchestration.instance import CATALOG_TAG, open_instance
from atlas_pipeline.orchestration.local_leftovers import find_files, find_in_dagster
from atlas_pipeline.orchestration.status_asset import status_key
from atlas_pipeline.settings import Settings

CATALOG = INFRASTRUCTURE_ATLAS
NOW = datetime.now(UTC)
LONG_AGO = NOW - timedelta(days=60)
RETENTION = NOW - timedelta(days=30)
LATER = NOW + timedelta(days=1)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ATLAS_STATE_DIR", str(tmp_path))
    return Settings()


@pytest.fixture
def instance(state: Settings) -> Iterator[dg.DagsterInstance]:
    with open_instance(state) as opened:
        yield opened


def materialize(instance: dg.DagsterInstance, name: str, catalog: str = CATALOG.name) -> str:
    """A run of the catalog that makes one asset; gives its id."""

    @dg.asset(key=[catalog, name], check_specs=[dg.AssetCheckSpec("values_match_source", asset=[catalog, name])])
    def made():  # type: ignore[no-untyped-def]  # Dagster takes more from an annotation
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])

    return dg.materialize([made], instance=instance, tags={CATALOG_TAG: catalog}).run_id


def written(path: Path, moment: datetime) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("{}", encoding="utf-8")
    os.utime(path, (moment.timestamp(), moment.timestamp()))
    return path


def report(state: Settings, moment: datetime, *more: str, name: str = "") -> Path:
    folder = state.reports_dir / (name or str(uuid.uuid4()))
    for file in ("report.json", "index.html", *more):
        written(folder / file, moment)
    return folder


def test_old_dagster_runs_go_but_those_that_last_made_or_checked_an_asset(instance: dg.DagsterInstance) -> None:
    old, last = materialize(instance, "users"), materialize(instance, "users")
    other, elsewhere = materialize(instance, "secrets"), materialize(instance, "users", "another_catalog")
    assert list(find_in_dagster(instance, CATALOG, RETENTION)) == []
    (found,) = find_in_dagster(instance, CATALOG, LATER)
    assert (found.kind, found.count) == ("Dagster runs", 1)
    found.remove()
    assert {run.run_id for run in instance.get_runs()} == {last, other, elsewhere}
    assert instance.get_run_by_id(old) is None
    event = instance.get_latest_materialization_event(dg.AssetKey([CATALOG.name, "users"]))
    assert event is not None
    assert event.run_id == last
    assert list(find_in_dagster(instance, CATALOG, LATER)) == []


def test_a_run_that_has_not_ended_is_never_old(instance: dg.DagsterInstance) -> None:
    job = dg.GraphDefinition(name="waiting", node_defs=[]).to_job()
    run = instance.create_run_for_job(job, tags={CATALOG_TAG: CATALOG.name}, status=dg.DagsterRunStatus.STARTED)
    assert list(find_in_dagster(instance, CATALOG, LATER)) == []
    assert instance.get_run_by_id(run.run_id) is not None


def test_of_old_status_boards_the_newest_stays(instance: dg.DagsterInstance) -> None:
    for run_id in ("first", "second", "third"):
        board = dg.AssetMaterialization(asset_key=status_key(CATALOG), metadata={"run_id": run_id})
        instance.report_runless_asset_event(board)
    (found,) = find_in_dagster(instance, CATALOG, LATER)
    assert (found.kind, found.count) == ("status boards", 3)
    found.remove()
    (left,) = instance.fetch_materializations(status_key(CATALOG), limit=10).records
    assert left.asset_materialization is not None
    assert left.asset_materialization.metadata["run_id"].value == "third"
    assert list(find_in_dagster(instance, CATALOG, LATER)) == []


def test_old_reports_go_and_folders_that_are_not_quite_reports_stay(state: Settings) -> None:
    old, new = report(state, LONG_AGO), report(state, NOW)
    theirs = [report(state, LONG_AGO, "notes.txt"), report(state, LONG_AGO, name="holiday")]
    (found,) = find_files(state, RETENTION)
    assert (found.kind, found.count, found.place) == ("reports", 1, str(state.reports_dir))
    found.remove()
    assert sorted(state.reports_dir.iterdir()) == sorted([new, *theirs])
    assert not old.exists()
    assert list(find_files(state, RETENTION)) == []


def test_old_data_docs_go_with_their_results_and_the_index_is_made_anew(state: Settings) -> None:
    def page(moment: datetime) -> list[Path]:
        place = Path("validations", CATALOG.name, "users", "sample", "run", f"{moment:%Y%m%dT%H%M%S.%fZ}", "b")
        files = (state.state / place.with_suffix(".json"), state.data_docs_dir / place.with_suffix(".html"))
        return [written(path, moment) for path in files]

    old = page(LONG_AGO)
    (found,) = find_files(state, RETENTION)
    assert (found.kind, found.count) == ("Data Docs pages", 1)
    found.remove()
    assert not any(path.exists() for path in old)
    assert (state.data_docs_dir / "index.html").is_file()
    assert list(find_files(state, RETENTION)) == []


def test_copies_of_dead_processes_go_and_those_of_living_ones_stay(state: Settings) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = written(state.snapshots_dir / f"{gone.pid}-{uuid.uuid4().hex}.sqlite3", NOW)
    alive = written(state.snapshots_dir / f"{os.getpid()}-{uuid.uuid4().hex}.sqlite3", LONG_AGO)
    theirs = written(state.snapshots_dir / "holiday.sqlite3", LONG_AGO)
    (found,) = find_files(state, RETENTION)
    assert (found.kind, found.count) == ("private copies", 1)
    found.remove()
    assert (dead.exists(), alive.exists(), theirs.exists()) == (False, True, True)
