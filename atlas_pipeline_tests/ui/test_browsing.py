"""That a page which needs another machine would be noticed, for every other test here relies on it."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext

from atlas_pipeline_tests.ui.browsing import opened_page

pytestmark = pytest.mark.ui


def test_a_page_that_asks_for_another_machine_gets_no_answer_and_is_noticed(browser: BrowserContext) -> None:
    answers = []

    def visit() -> None:
        with opened_page(browser) as page:
            answers.append(page.evaluate("fetch('http://elsewhere.example/').then(() => 'answered', () => 'refused')"))

    with pytest.raises(AssertionError, match=r"elsewhere\.example"):
        visit()
    assert answers == ["refused"]
