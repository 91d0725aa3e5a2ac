"""Programs of the tests' own, run as processes that a test can hold, signal and kill.

What belongs here: the process. What does not: what such a program does, which is in the module with its name.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent


@contextmanager
def started(module: str, *words: object) -> Iterator[subprocess.Popen[str]]:
    """A module that runs as a program, with its output in pipes; it is dead at the latest when the context ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
