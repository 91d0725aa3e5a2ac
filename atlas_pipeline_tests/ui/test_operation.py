"""What an operator does with the web interface: look at runs and schedules, and materialize."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from atlas_pipeline_tests.ui.browsing import opened_page
from atlas_pipeline_tests.ui.portal import CATALOG, Portal, wait_for_answer

pytestmark = pytest.mark.ui

RUN_SECONDS = 120
TABLE = "global_api_keys"  # a small one
MATERIALIZATIONS = """query ($path: [String!]!) { assetOrError(assetKey: {path: $path}) { ... on Asset {
    assetMaterializations { runId metadataEntries { label ... on TextMetadataEntry { text }
    ... on UrlMetadataEntry { url } } } } } }"""


def entry(page: Page, name: str) -> Locator:
    """The line of a list that links to something of this name."""
    return page.locator("[data-index]").filter(has=page.get_by_role("link", name=name))


def materializations(portal: Portal) -> list[dict[str, str]]:
    """Texts and addresses of the materializations of TABLE, with their run ids, newest first."""
    found = portal.ask(MATERIALIZATIONS, path=[CATALOG, TABLE])["assetOrError"]["assetMaterializations"]
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


def test_the_sensors_that_write_reports_and_end_dead_runs_are_listed_and_on(portal: Portal, page: Page) -> None:
    page.goto(f"{portal.address}/automation")
    for name in ("report_failed_run", "report_finished_run", "end_dead_runs"):
        expect(entry(page, name).get_by_role("checkbox").last).to_be_checked()


@pytest.fixture(scope="module")
def launched(portal: Portal, browser: BrowserContext) -> str:
    """The run that the button of an asset's page started; it has failed, for a row is over the error budget."""
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
    tags = portal.ask("query ($id: ID!) { runOrError(runId: $id) { ... on Run { tags { key value } } } }", id=launched)
    assert {"key": "catalog", "value": CATALOG} in tags["runOrError"]["tags"]
    link = materializations(portal)[0]["report"]
    assert link == f"{portal.reports}/reports/{launched}/index.html"
    wait_for_answer(link)  # a sensor writes it, after the run
    page.goto(link)
    expect(page.get_by_role("cell", name=TABLE, exact=True).first).to_be_visible()
