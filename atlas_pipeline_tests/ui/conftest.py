"""The web interface and the browser of these tests, started once for all of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page

from atlas_pipeline_tests.ui.browsing import chromium, opened_page
from atlas_pipeline_tests.ui.portal import Portal, serve


@pytest.fixture(scope="package")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """A web interface with the run of `sync` in its history."""
    with serve(tmp_path_factory.mktemp("portal")) as running:
        yield running


@pytest.fixture(scope="package")
def browser() -> Iterator[BrowserContext]:
    """A browser whose pages share one cache."""
    with chromium() as context:
        yield context


@pytest.fixture
def page(browser: BrowserContext) -> Iterator[Page]:
    """A page for one test."""
    with opened_page(browser) as opened:
        yield opened
