"""A program that uses the embedded MongoDB, so that tests can end it in every way, and what they need to watch it.

Here: `python -m atlas_pipeline_tests.local.owner STATE_FOLDER`. It prints one line of JSON about its server and holds
the server until its standard input ends. On Ctrl-C it first proves that the server is still there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from pymongo import MongoClient

from atlas_pipeline.local.servers import mongodb
from atlas_pipeline.settings import Settings

DEADLINE_SECONDS = 30.0
_ROOT = Path(__file__).resolve().parent.parent.parent


class Owner:
    """A running owner process."""

    def __init__(self, state: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(state)],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a terminal of its own, as far as Ctrl-C is concerned
            text=True,
        )

    def server(self) -> dict[str, Any]:
        """What it says about its server; waits until it has one."""
        assert self.process.stdout is not None
        return dict(json.loads(self.process.stdout.readline()))

    def end(self, number: signal.Signals | None = None) -> str:
        """End it by a signal to its process group, or by itself; what it printed last."""
        if number is not None:
            os.killpg(self.process.pid, number)
        return self.process.communicate(timeout=DEADLINE_SECONDS)[0]


@contextmanager
def owner(state: Path) -> Iterator[Owner]:
    """An owner that is killed at the latest when the test ends."""
    running = Owner(state)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for an event; fails with its name when it does not come."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"not within {DEADLINE_SECONDS:.0f} s: {what}"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """True while the process lives; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def mongods(state: Path) -> list[int]:
    """Process ids of all servers on the data of this state folder."""
    data = str(state / "mongodb")
    return [process.pid for process in psutil.process_iter(["cmdline"]) if _works_on(process, data)]


def _works_on(process: psutil.Process, data: str) -> bool:
    line = process.info["cmdline"] or []
    return "--dbpath" in line and data in line and "-m" not in line  # its supervisor has the same words


def _main(state: Path) -> None:
    with mongodb(Settings(ATLAS_STATE_DIR=state)) as server:
        _say({"origin": server.origin, "pid": server.pid, "uri": server.uri})
        try:
            sys.stdin.read()
        except KeyboardInterrupt:
            with MongoClient[dict[str, Any]](server.uri) as client:
                _say(client.test.interrupted.insert_one({}).acknowledged)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
