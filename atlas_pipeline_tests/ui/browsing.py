"""Headless Chromium, and pages in it that may ask for nothing outside this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, Page, Request, expect, sync_playwright

from atlas_pipeline_tests.needs import need

PATIENCE_MS = 45_000
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


def browser_path() -> str:
    """The browser of this machine."""
    found = next(filter(None, map(shutil.which, _NAMES)), None)
    need(
        found is not None,
        f"None of {', '.join(_NAMES)} is on the PATH.",
        "install Chromium.",
    )
    assert found is not None
    return found


@contextmanager
def chromium() -> Iterator[BrowserContext]:
    """A browser with one context, closed at the end."""
    found = browser_path()
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_ARGUMENTS)
        context = browser.new_context(viewport={"width": 1600, "height": 4000})  # all tables have room
        context.set_default_timeout(PATIENCE_MS)
        yield context
        browser.close()


@contextmanager
def opened_page(context: BrowserContext) -> Iterator[Page]:
    """A page, closed with those that it opened. None of them may have asked for another machine."""
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    context.on("request", note)
    others = context.pages
    try:
        yield context.new_page()
    finally:
        for page in context.pages:
            if page not in others:
                page.close()
        context.remove_listener("request", note)
    elsewhere = [url for url in asked if not _is_of_this_machine(url)]
    assert not elsewhere, f"asked for another machine: {elsewhere}"


def _is_of_this_machine(url: str) -> bool:
    address = urlsplit(url)
    return address.scheme in ("data", "blob") or address.hostname == "127.0.0.1"
