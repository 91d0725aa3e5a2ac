"""What a materialization shows, and where its links lead."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from atlas_pipeline_tests.catalogs.facts_infrastructure_atlas import FACTS, LEFT_ALONE
from atlas_pipeline_tests.ui.browsing import opened_page
from atlas_pipeline_tests.ui.portal import Portal

pytestmark = pytest.mark.ui


def value(page: Page, name: str) -> Locator:
    """The value of a piece of metadata on the page of an event."""
    row = page.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
    return row.first.get_by_role("cell").nth(1)


def follow(page: Page, name: str) -> Page:
    """The page behind a link in the metadata."""
    with page.expect_popup() as opened:
        value(page, name).get_by_role("link").first.click()
    opened.value.wait_for_load_state()
    return opened.value


@pytest.fixture(scope="module")
def event(portal: Portal, browser: BrowserContext) -> Iterator[Page]:
    """The page of the only materialization of users, opened once."""
    with opened_page(browser) as page:
        page.goto(portal.asset("users", view="events"))
        yield page


def test_a_materialization_shows_its_counts_its_digest_and_its_run(portal: Portal, event: Page) -> None:
    quarantined = len(portal.bad_rows("users"))
    documents = portal.sample.rows["users"] - quarantined
    assert quarantined
    expect(event.get_by_text(f"Materialized in run {portal.run_id[:8]}")).to_be_visible()
    for name, shown in {
        "dagster/row_count": documents,
        "source_rows": documents + quarantined,
        "documents": documents,
        "quarantined": quarantined,
        "orphans": len([orphan for orphan in portal.sample.orphans if orphan.table == "users"]),
        "dagster/table_name": "atlas.users",
        "digest": portal.table("users")["digest"],
    }.items():
        expect(value(event, name)).to_have_text(str(shown))


def test_a_materialization_shows_which_column_each_field_comes_from(event: Page) -> None:
    lineage = value(event, "lineage")
    for (field, kinds), (column, declared) in zip(FACTS["users"]["fields"], FACTS["users"]["declared"], strict=True):
        row = lineage.get_by_role("row").filter(has=event.get_by_text(f"users.{column}", exact=True))
        expect(row.get_by_role("cell")).to_have_text([field, f"users.{column}", declared, kinds.replace("|", " or ")])


def test_the_report_behind_its_link_shows_every_table_and_what_was_left_alone(portal: Portal, event: Page) -> None:
    report = follow(event, "report")
    assert report.url == f"{portal.reports}/reports/{portal.run_id}/index.html"
    assert report.request.get(report.url).status == 200
    shown = {}
    for row in report.get_by_role("table").first.get_by_role("row").all()[1:]:
        source, name, *numbers = row.get_by_role("cell").all_inner_texts()
        shown[name] = (source, *numbers[:5])
    expected = {}
    for name, facts in FACTS.items():
        rows, bad = portal.sample.rows[facts["source"]], len(portal.bad_rows(facts["source"]))
        expected[name] = (facts["source"], "published", *map(str, (rows, rows - bad, bad, len(facts["indexes"]))))
    assert shown == expected
    for name in LEFT_ALONE:
        expect(report.get_by_text(name, exact=True)).to_be_visible()


def test_the_data_docs_behind_their_link_show_the_table_and_what_does_not_hold(portal: Portal, event: Page) -> None:
    docs = follow(event, "data_docs")
    assert docs.url.startswith(f"{portal.reports}/data_docs/")
    assert docs.request.get(docs.url).status == 200
    expect(docs.get_by_role("heading", name="users")).to_be_visible()
    failing = docs.get_by_role("row").filter(has_text="quarantined").filter(has_text="fails")
    expect(failing.get_by_role("cell").last).to_have_text(str(len(portal.bad_rows("users"))))
    docs.get_by_role("link", name="Data Docs").click()
    for name in FACTS:
        expect(docs.get_by_role("cell", name=name, exact=True)).to_be_visible()


def test_freshness_is_shown_with_its_limits(portal: Portal, page: Page) -> None:
    page.goto(portal.asset("users"))
    expect(page.get_by_text("Warns if more than 25 hours since last materialization")).to_be_visible()
    expect(page.get_by_text("Fails if more than 26 hours since last materialization")).to_be_visible()
    expect(page.get_by_text("Passing", exact=True).first).to_be_visible()
