"""A run is reported by a sensor, also when it failed; a run that is none of a catalog's is left alone."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

import dagster as dg
from dagster import DagsterEventType

from atlas_pipeline.catalogs.infrastructure_atlas.catalog import INFRASTRUCTURE_ATLAS
from atlas_pipeline.orchestration.automation import report_failed_run, report_finished_run
from atlas_pipeline.orchestration.status_asset import report_status_of_run, status_key
from atlas_pipeline_tests.orchestration.conftest import Site


def _context(site: Site, result: dg.ExecuteInProcessResult, kind: DagsterEventType, name: str) -> Any:
    (event,) = result.filter_events(lambda event: event.event_type is kind)
    return dg.build_run_status_sensor_context(
        sensor_name=name,
        dagster_event=event,
        dagster_instance=site.instance,
        dagster_run=site.instance.get_run_by_id(result.run_id) or result.dagster_run,
    )


def _report(site: Site, run_id: str) -> tuple[str, dict[str, Any]]:
    folder = site.settings.reports_dir / run_id
    page = (folder / "index.html").read_text(encoding="utf-8")
    return page, json.loads((folder / "report.json").read_text(encoding="utf-8"))


def _board(site: Site) -> dict[str, Any]:
    """The metadata of the newest status that was reported, with how many there are."""
    records = site.instance.fetch_materializations(status_key(INFRASTRUCTURE_ATLAS), limit=100).records
    newest = records[0].asset_materialization
    assert newest is not None
    return {"reported": len(records), **{name: one.value for name, one in newest.metadata.items()}}


def test_a_failed_run_gets_a_report_that_names_what_failed_and_a_status_board(site: Site) -> None:
    site.client["atlas"]["role_permissions"].insert_one({"_id": "by the application"}, bypass_document_validation=True)
    result = site.run("role_permissions", "vcenter_configs")
    assert not result.success
    context = _context(site, result, DagsterEventType.RUN_FAILURE, "report_failed_run").for_run_failure()
    assert report_failed_run(context) is None
    page, facts = _report(site, result.run_id)
    assert facts["ok"] is False
    assert [(table["collection"], table["status"]) for table in facts["tables"]] == [
        ("role_permissions", "failed"),
        ("vcenter_configs", "published"),
    ]
    assert "1 foreign documents" in page
    assert (site.settings.data_docs_dir / "index.html").is_file()
    board = _board(site)
    assert (board["run_id"], board["tables"], board["ready"], board["failed"]) == (result.run_id, 18, 0, 1)
    lines = {line.split(" | ")[0].strip("| "): line for line in board["board"].splitlines()}
    assert "the last run failed: atlas.role_permissions holds 1 foreign documents" in lines["role_permissions"]
    assert lines["vcenter_configs"].endswith("| never | no, because never fully verified |")
    assert lines["users"].endswith("| no, because never synced |")


def test_a_run_that_succeeded_gets_a_report_with_the_tables_that_were_left_alone(site: Site) -> None:
    result = site.run("vcenter_configs")
    assert result.success
    context = _context(site, result, DagsterEventType.RUN_SUCCESS, "report_finished_run")
    assert report_finished_run(context) is None
    page, facts = _report(site, result.run_id)
    assert facts["ok"] is True
    assert len(facts["left_alone"]) == 13
    assert (_board(site)["run_id"], _board(site)["failed"]) == (result.run_id, 0)
    assert not report_status_of_run(site.instance, result.dagster_run)  # as when a sensor sees what is reported already
    assert _board(site)["reported"] == 1
    assert all(name in page for name in facts["left_alone"])


def test_what_was_stored_otherwise_is_counted_alike_in_metadata_ledger_and_report(site: Site) -> None:
    with closing(sqlite3.connect(site.source)) as database:
        cut = "SELECT count(*) FROM chat_messages WHERE length(created_at) = 26 AND created_at NOT LIKE '%000'"
        ((expected,),) = database.execute(cut)
    result = site.run("chat_messages", "bot_messages")
    assert result.success
    one = {"column": "created_at", "policy": "milliseconds", "values": expected}
    (shown,) = (
        event.step_materialization_data.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey(["infrastructure_atlas", "chat_messages"])
    )
    table: Any = shown["fidelity"].value
    assert [record.data for record in table.records] == [one]
    pipeline = site.client[INFRASTRUCTURE_ATLAS.pipeline_database]
    ledger = pipeline["runs"].find_one({"run_id": result.run_id, "collection": "chat_messages"})
    assert ledger is not None
    assert ledger["fidelity"] == [one]
    context = _context(site, result, DagsterEventType.RUN_SUCCESS, "report_finished_run")
    assert report_finished_run(context) is None
    page, facts = _report(site, result.run_id)
    assert {"collection": "chat_messages", **one} in facts["fidelity"]
    cells = ("chat_messages", "created_at", "milliseconds")
    assert "".join(f"<td>{cell}</td>" for cell in cells) + f'<td class="number">{expected:,}</td>' in page


def test_a_failed_run_is_reported_also_when_its_source_is_gone(site: Site) -> None:
    site.source.unlink()
    result = site.run("vcenter_configs")
    assert not result.success
    context = _context(site, result, DagsterEventType.RUN_FAILURE, "report_failed_run").for_run_failure()
    assert report_failed_run(context) is None
    page, facts = _report(site, result.run_id)
    assert facts["ok"] is False
    assert "cannot be read" in page


def test_a_run_of_no_catalog_is_left_alone(site: Site) -> None:
    @dg.job
    def another() -> None:
        """A job of somebody else."""

    result = another.execute_in_process(instance=site.instance)
    context = _context(site, result, DagsterEventType.RUN_SUCCESS, "report_finished_run")
    skipped = report_finished_run(context)
    assert isinstance(skipped, dg.SkipReason)
    assert not site.settings.reports_dir.exists()
