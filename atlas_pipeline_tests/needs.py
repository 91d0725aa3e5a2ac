"""What a test needs of its machine, and what happens where that is missing."""

from __future__ import annotations

import pytest

AS_ROOT = "run the tests as root in a container that may mount."


def need(met: bool, missing: str, cure: str) -> None:
    """Go on where what a test needs is there; elsewhere the test fails, for what was not tested may be broken.

    Args:
        met: Whether it is there.
        missing: What is not, for people.
        cure: How to get it.
    """
    if not met:
        pytest.fail(f"{missing} The cure: {cure}", pytrace=False)
