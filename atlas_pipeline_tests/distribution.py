"""How the tests are shared out among the processes that run them, when there are several.

What belongs here: which tests stay together, and which of them begin first. What does not: how many processes there are
(`Makefile`).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from typing_extensions import override
from xdist.scheduler.loadscope import LoadScopeScheduling

LONGEST_FIRST = ("ui", "commands", "orchestration", "machines", "reconcile", "end_to_end", "benchmarking")
"""Folders, so that no process waits at the end for one that began late."""
_TOGETHER = ("ui",)
"""Folders whose files share what takes longest, and which therefore go to one process."""


class FilesTogether(LoadScopeScheduling):
    """Gives each file to one process, which makes its fixtures once, in the order in which files were collected."""

    @override
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        folders = PurePosixPath(file).parts
        return next((folder for folder in _TOGETHER if folder in folders), file)


def rank(parts: Sequence[str]) -> int:
    """Where a test belongs in the order, by its path below the tests."""
    return LONGEST_FIRST.index(parts[0]) if parts[0] in LONGEST_FIRST else len(LONGEST_FIRST)
