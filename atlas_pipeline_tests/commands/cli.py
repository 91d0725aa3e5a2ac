"""Running `atlas-pipeline` as a process, and looking at what it said.

What belongs here: the process and its environment. What does not: sources and servers (`conftest.py`).
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAIN = "from atlas_pipeline.cli import main; main()"
_ROOT = Path(__file__).resolve().parent.parent.parent
_LONGEST_SECONDS = 240

Environment = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Said:
    """How a command ended.

    Attributes:
        code: Exit code; negative when a signal ended it.
        out: Standard output.
        err: Standard error.
    """

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which is one JSON value and nothing else."""
        return json.loads(self.out)

    @property
    def text(self) -> str:
        return self.out + self.err


@contextmanager
def started(*arguments: str, env: Environment) -> Iterator[subprocess.Popen[str]]:
    """A command that is running, in a session of its own; it is dead at the latest when the context ends.

    Args:
        arguments: The command line behind `atlas-pipeline`.
        env: Environment variables beside those of this process.
    """
    process = subprocess.Popen(
        [sys.executable, "-c", _MAIN, *arguments],
        cwd=_ROOT,
        env={**os.environ, "COLUMNS": "160", **{name: str(value) for name, value in env.items()}},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def ended(process: subprocess.Popen[str]) -> Said:
    """Wait for the end of a command and give what it said."""
    out, err = process.communicate(timeout=_LONGEST_SECONDS)
    return Said(code=process.returncode, out=out, err=err)


def run(*arguments: str, env: Environment) -> Said:
    """Run a command to its end."""
    with started(*arguments, env=env) as process:
        return ended(process)
