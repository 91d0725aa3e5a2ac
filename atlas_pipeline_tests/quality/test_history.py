from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from atlas_pipeline.quality.history import History
from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline_tests.quality.conftest import MEMBERSHIPS, Validate, account


def files(state: Path) -> set[Path]:
    return {path.relative_to(state) for path in state.rglob("*") if path.is_file() and path.name != "index.html"}


def make_older(state: Path, run: str, days: float) -> None:
    """Renames the time folders of a run, which are what its age is read from."""
    for folder in list(state.rglob(f"{run}/*Z")):
        time = datetime.strptime(folder.name, "%Y%m%dT%H%M%S.%fZ").replace(tzinfo=UTC) - timedelta(days=days)
        folder.rename(folder.with_name(time.strftime("%Y%m%dT%H%M%S.%fZ")))


def test_the_history_holds_what_was_validated_newest_run_first(validate: Validate, state: Path) -> None:
    validate([account(1)], run_name="first")
    orphans = TableCounts(source_rows=1, documents=1, quarantined=0, orphans=1)
    validate([account(1, active=None)], run_name="second", counts=orphans)
    validate([], run_name="second", table=MEMBERSHIPS)
    second, first = History(state).runs()
    assert (first.name, first.verdict, first.failed_tables) == ("first", "passed", 0)
    assert (second.name, second.verdict, second.failed_tables) == ("second", "critical", 1)
    assert list(second.tables) == [("small", "accounts"), ("small", "memberships")]
    accounts = second.tables["small", "accounts"]
    assert [(kind, each.verdict, each.failed) for kind, each in accounts.items()] == [
        ("counts", "info", 1),
        ("sample", "critical", 1),
    ]
    assert all((state / "data_docs" / each.page).is_file() for each in accounts.values())


def test_results_and_pages_of_old_runs_are_removed_with_their_folders(
    validate: Validate, project: ExpectationsProject, state: Path
) -> None:
    validate([account(1)], run_name="old")
    validate([account(1)], run_name="new")
    kept = {path for path in files(state) if "new" in path.parts}
    make_older(state, "old", days=31)
    project.finish_run(keep_days=30)
    assert files(state) == kept
    assert not list(state.rglob("old"))


def test_a_run_within_the_days_stays(validate: Validate, project: ExpectationsProject, state: Path) -> None:
    validate([account(1)], run_name="old")
    make_older(state, "old", days=29)
    before = files(state)
    project.finish_run(keep_days=30)
    assert files(state) == before


def test_only_the_newest_runs_are_kept(validate: Validate, project: ExpectationsProject, state: Path) -> None:
    for name in ("one", "two", "three"):
        validate([account(1)], run_name=name)
    project.finish_run(keep_runs=2)
    assert [run.name for run in History(state).runs()] == ["three", "two"]
    assert not list(state.rglob("one"))


def test_a_result_that_was_cut_off_is_shown_as_unreadable(
    validate: Validate, project: ExpectationsProject, state: Path
) -> None:
    validate([account(1)])
    (result,) = (state / "validations").rglob("counts/**/*.json")
    result.write_text(result.read_text(encoding="utf-8")[:100], encoding="utf-8")
    (run,) = History(state).runs()
    assert run.verdict == "unreadable"
    assert "unreadable" in project.finish_run().read_text(encoding="utf-8")


def test_an_index_without_runs_says_so(project: ExpectationsProject) -> None:
    assert "No run has been validated yet" in project.finish_run().read_text(encoding="utf-8")
