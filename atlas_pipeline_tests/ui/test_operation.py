"""What an operator does with the web interface: look at runs and schedules, and materialize."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from atlas_pipeline_tests.ui.browsing import opened_page
from atlas_pipeline_tests.ui.portal import CATALOG, Portal, wait_for_answer
from atlas_pipeline_tests.waiting import wait_until

pytestmark = pytest.mark.ui

RUN_SECONDS = 120
ALERTS, INDEXES = "raise_alerts", f"indexes_of_{CATALOG}"
SENSORS = ("report_failed_run", "report_finished_run", "end_dead_runs", ALERTS, INDEXES)
TABLE = "global_api_keys"  # a small one
MATERIALIZATIONS = """query ($path: [String!]!) { assetOrError(assetKey: {path: $path}) { ... on Asset {
    assetMaterializations { runId metadataEntries { label ... on TextMetadataEntry { text }
    ... on UrlMetadataEntry { url } } } } } }"""
TICKS = """query ($name: String!) { sensorOrError(sensorSelector: {sensorName: $name, repositoryName: "__repository__",
    repositoryLocationName: "atlas_pipeline"}) { ... on Sensor { sensorState { ticks(limit: 1) { status } } } } }"""
TAGS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }"


def entry(page: Page, name: str) -> Locator:
    """The line of a list that links to something of this name."""
    return page.locator("[data-index]").filter(has=page.get_by_role("link", name=name))


def materializations(portal: Portal, name: str = TABLE) -> list[dict[str, str]]:
    """Texts and addresses of the materializations of an asset, with their run ids, newest first."""
    found = portal.ask(MATERIALIZATIONS, path=[CATALOG, name])["assetOrError"]["assetMaterializations"]
    return [
        {"run_id": one["runId"]}
        | {entry["label"]: entry.get("text") or entry.get("url") or "" for entry in one["metadataEntries"]}
        for one in found
    ]


def test_the_history_has_the_run_of_the_command_line_which_failed_for_each_table_has_bad_rows(
    portal: Portal, page: Page
) -> None:
    page.goto(f"{portal.address}/runs")
    run = entry(page, portal.run_id[:8])
    for shown in (f"sync_{CATALOG}", f"catalog: {CATALOG}", "trigger: command line", "Failure"):
        expect(run).to_contain_text(shown)
    run.get_by_role("link", name=portal.run_id[:8]).click()
    expect(page).to_have_url(f"{portal.address}/runs/{portal.run_id}")
    for shown in ("36 assets", "90 checks", "Succeeded (0)", "Errored (18)", "Not executed (18)"):
        expect(page.get_by_text(shown, exact=True).first).to_be_visible()


def test_the_schedule_is_listed_and_off_until_somebody_switches_it_on(portal: Portal, page: Page) -> None:
    page.goto(f"{portal.address}/automation")
    schedule = entry(page, f"sync_{CATALOG}_schedule")
    expect(schedule).to_contain_text("At 03:00 AM UTC")
    expect(schedule.get_by_role("checkbox").last).not_to_be_checked()


def test_all_sensors_are_listed_and_on(portal: Portal, page: Page) -> None:
    page.goto(f"{portal.address}/automation")
    for name in SENSORS:
        expect(entry(page, name).get_by_role("checkbox").last).to_be_checked()


def tags_of(portal: Portal, run_id: str) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in portal.ask(TAGS, id=run_id)["runOrError"]["tags"]}


@pytest.fixture(scope="module")
def launched(portal: Portal, browser: BrowserContext) -> str:
    """The run that the button of an asset's page started; it has failed, for a row is over the error budget."""
    for sensor in (ALERTS, INDEXES):  # what was before its first look does not concern it
        wait_until(lambda: portal.ask(TICKS, name=sensor)["sensorOrError"]["sensorState"]["ticks"], sensor)  # noqa: B023
    with opened_page(browser) as page:
        page.goto(portal.asset(TABLE))
        page.get_by_role("button").filter(has_text=re.compile("^Materialize$")).click()
        told = page.get_by_text(re.compile("Launched run [0-9a-f]{8}"))
        short = (told.text_content() or "")[-8:]
        page.get_by_role("region", name="Notifications").get_by_text("View", exact=True).click()
        page.wait_for_url(re.compile(f"/runs/{short}"))
        expect(page.get_by_text("RUN_FAILURE", exact=True)).to_be_visible(timeout=RUN_SECONDS * 1000)
        return page.url.partition("/runs/")[2][:36]


def test_the_button_of_an_asset_materializes_it_and_unchanged_rows_give_the_same_digest(
    portal: Portal, launched: str, page: Page
) -> None:
    newest, before = materializations(portal)
    assert (newest["run_id"], before["run_id"]) == (launched, portal.run_id)
    assert newest["digest"] == before["digest"] == portal.table(TABLE)["digest"]
    page.goto(portal.asset(TABLE, view="events"))
    expect(page.get_by_text(f"Materialized in run {launched[:8]}")).to_be_visible()


def test_a_run_that_was_started_by_the_button_belongs_to_its_catalog_and_gets_its_report(
    portal: Portal, launched: str, page: Page
) -> None:
    assert tags_of(portal, launched)["catalog"] == CATALOG
    link = materializations(portal)[0]["report"]
    assert link == f"{portal.reports}/reports/{launched}/index.html"
    wait_for_answer(link)  # a sensor writes it, after the run
    page.goto(link)
    expect(page.get_by_role("cell", name=TABLE, exact=True).first).to_be_visible()


def test_a_webhook_is_told_of_the_run_that_failed_with_the_cure_and_addresses_that_open(
    portal: Portal, launched: str, page: Page
) -> None:
    def told() -> list[dict[str, Any]]:
        return [alert for alert in portal.hook.alerts if alert["run_id"] == launched]

    (alert,) = wait_until(told, "the alert")
    (fault,) = alert["faults"]
    assert (alert["event"], fault["what"]) == ("failed", f"{TABLE}: no_rejected_rows")
    assert "quarantine list" in fault["cure"]
    page.goto(alert["ui"])
    expect(page.get_by_text("RUN_FAILURE", exact=True)).to_be_visible()
    wait_for_answer(alert["report"])


def test_the_indexes_follow_a_collection_that_was_materialized_alone(portal: Portal, launched: str) -> None:
    (made,) = wait_until(lambda: materializations(portal, f"{TABLE}_indexes"), "the indexes of the collection")
    assert made["run_id"] not in (launched, portal.run_id)
    tags = tags_of(portal, made["run_id"])
    assert (tags["catalog"], tags["trigger"]) == (CATALOG, "automation")
