"""What a check shows: whether it holds, how bad it is that it does not, and why."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from atlas_pipeline_tests.ui.browsing import opened_page
from atlas_pipeline_tests.ui.portal import Portal

pytestmark = pytest.mark.ui

ERROR, WARN, PASSED = "cancel", "warning_outline", "check_circle"  # the icons


def example(page: Page, key: object) -> Locator:
    """The cells of the example of this key; the table of examples stands in a cell of another table."""
    return page.locator("tr:not(:has(table))").filter(has_text=str(key)).get_by_role("cell")


def verdict(page: Page) -> Locator:
    """The result of the check that is open."""
    return page.get_by_text("Evaluation result", exact=True).locator("xpath=..")


def expect_verdict(page: Page, icon: str, word: str) -> None:
    expect(verdict(page)).to_contain_text(word)
    expect(verdict(page).get_by_role("img", name=icon)).to_be_visible()


def open_check(page: Page, name: str) -> None:
    page.get_by_title(name, exact=True).click()
    expect(page).to_have_url(re.compile(rf"checkDetail={name}\b"))


@pytest.fixture(scope="module")
def checks(portal: Portal, browser: BrowserContext) -> Iterator[Page]:
    """The checks of users, opened once."""
    with opened_page(browser) as page:
        page.goto(portal.asset("users", view="checks"))
        yield page


def test_rows_in_quarantine_are_an_error_that_names_each_row_its_column_and_the_reason(
    portal: Portal, checks: Page
) -> None:
    open_check(checks, "no_rejected_rows")
    expect_verdict(checks, ERROR, "Failed")
    bad_rows = portal.bad_rows("users")
    summary = checks.get_by_role("paragraph").filter(has_text="budget of")
    expect(summary).to_contain_text(str(len(bad_rows)))
    for bad in bad_rows:
        cells = example(checks, bad.key)
        expect(cells.nth(1)).to_have_text(bad.column)
        expect(cells.nth(2)).to_have_text(bad.code)
        expect(cells.nth(3)).not_to_be_empty()


def test_references_to_nothing_are_a_warning_that_names_them(portal: Portal, checks: Page) -> None:
    open_check(checks, "references_resolve")
    expect_verdict(checks, WARN, "Failed")
    (orphan,) = (orphan for orphan in portal.sample.orphans if orphan.table == "users")
    cells = example(checks, orphan.key)
    expect(cells.nth(0)).to_have_text(orphan.column)
    expect(cells.nth(1)).to_have_text("role_permissions.role")


def test_expectations_list_what_other_checks_judge_with_a_link_to_their_page(portal: Portal, checks: Page) -> None:
    open_check(checks, "expectations_met")
    expect_verdict(checks, PASSED, "Passed")
    for number in ("quarantined", "orphans"):
        expect(checks.get_by_role("cell", name=number, exact=True)).to_be_visible()
    link = checks.get_by_role("link", name=f"{portal.reports}/data_docs/").first.get_attribute("href")
    assert link is not None
    assert checks.request.get(link).status == 200


@pytest.mark.parametrize("name", ["row_count_matches_source", "sampled_documents_match_source"])
def test_a_check_that_holds_says_so(checks: Page, name: str) -> None:
    open_check(checks, name)
    expect_verdict(checks, PASSED, "Passed")


def test_the_graph_marks_a_collection_whose_check_failed(portal: Portal, page: Page) -> None:
    page.goto(portal.asset("users", view="lineage"))
    node = page.locator("foreignObject").filter(has_text="3 / 6 Passed")
    expect(node).to_contain_text("users")
