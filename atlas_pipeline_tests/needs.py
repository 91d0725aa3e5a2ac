"""What a test needs of its machine, and what happens where that is missing."""

from __future__ import annotations

import os

import pytest


def need(met: bool, missing: str) -> None:
    """Go on where what a test needs is there.

    Elsewhere the test fails in CI, which has to prove everything, and is skipped on a developer's machine.

    Args:
        met: Whether it is there.
        missing: What is not, for people.
    """
    if met:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI has to run every test. {missing}")
    pytest.skip(missing)
