from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from atlas_pipeline.quality.project import ExpectationsProject
from atlas_pipeline.reconcile.counts import TableCounts
from atlas_pipeline_tests.quality.conftest import MEMBERSHIPS, Validate, account
from atlas_pipeline_tests.ui.browsing import browser_path

LOADING = {"src", "href", "srcset", "data", "poster", "action", "background", "formaction", "xlink:href", "style"}
HOSTILE = "<script src='http://evil.invalid/x.js'></script><img src=//evil.invalid/x.png onerror=alert(1)>"


class Page(HTMLParser):
    """Tags, addresses and styles of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.handlers: list[str] = []
        self.style = ""
        self.text = ""
        self._inside = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self._inside = tag
        self.addresses += [value or "" for name, value in attrs if name in LOADING]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        if self._inside == "style":
            self.style += data
        else:
            self.text += data


@pytest.fixture
def site(validate: Validate, project: ExpectationsProject) -> Path:
    """A site with a table that passes, one that fails in many ways, and hostile values."""
    documents = [account(number) for number in range(30)]
    validate(documents, run_name="run 1")
    documents[3] = account(3, role=HOSTILE, name=HOSTILE, active=HOSTILE, age="old")
    documents[4] = account(4, _id=HOSTILE, role=HOSTILE)
    counts = TableCounts(source_rows=30, documents=28, quarantined=1, orphans=7)
    validate(documents, run_name="run-2", counts=counts, differing={"account-0005": (HOSTILE,)})
    validate([], run_name="run-2", table=MEMBERSHIPS)
    return project.finish_run().parent


def test_no_page_names_anything_outside_the_site(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    assert len(pages) == 1 + 3 * 2
    for path in pages:
        page = Page(path)
        assert not {"script", "img", "link", "iframe", "object", "embed"} & set(page.tags), path
        assert page.handlers == [], path
        assert "url(" not in page.style, path
        assert "@import" not in page.style, path
        for address in page.addresses:
            assert not re.match(r"[a-z]+:|//|/", address), (path, address)


def test_every_link_leads_to_a_page_that_exists(site: Path) -> None:
    for path in site.rglob("*.html"):
        for address in Page(path).addresses:
            assert (path.parent / unquote(address)).resolve().is_file(), (path, address)


def test_the_index_leads_to_every_page(site: Path) -> None:
    linked = {(site / unquote(address)).resolve() for address in Page(site / "index.html").addresses}
    assert linked == {path.resolve() for path in site.rglob("*.html")}


def test_hostile_values_are_shown_as_text(site: Path) -> None:
    (path,) = site.glob("validations/small/accounts/sample/run-2/*/*.html")
    page = Page(path)
    assert page.text.count("onerror=alert(1)>") >= 4


def test_a_page_says_what_was_expected_and_found(site: Path) -> None:
    (path,) = site.glob("validations/small/accounts/counts/run-2/*/*.html")
    text = " ".join(Page(path).text.split())
    assert "fails: critical" in text
    assert "Every reference resolves to a row that exists. info 7" in text
    assert "30 and 29" in text
    assert "✓ holds duplicate_keys" in text


@pytest.mark.ui
def test_pages_open_in_a_browser_without_any_request_to_the_net(site: Path) -> None:
    from playwright.sync_api import sync_playwright

    chromium = browser_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        requests: list[str] = []
        problems: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: problems.append(message.text))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.route("**/*", lambda route: route.continue_() if route.request.url.startswith("file:") else route.abort())

        page.goto((site / "index.html").as_uri())
        assert page.locator("details").first.is_visible()
        page.locator("tbody tr", has_text="accounts").first.get_by_role("link").last.click()
        page.wait_for_url("**/sample/run-2/**")
        assert page.get_by_role("heading", name="accounts").is_visible()
        holds, fails = page.locator("tr.holds"), page.locator("tr.fails")
        assert holds.first.is_visible()
        page.get_by_label("Show only what does not hold").check()
        assert not holds.first.is_visible()
        assert fails.first.is_visible()
        page.get_by_role("link", name="counts").click()
        page.wait_for_url("**/counts/run-2/**")
        page.get_by_role("link", name="Data Docs").click()
        page.wait_for_url("**/index.html")
        browser.close()
    assert len(requests) >= 4
    assert [url for url in requests if not url.startswith("file:")] == []
    assert problems == []
