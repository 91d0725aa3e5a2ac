"""A program that uses an embedded server, so that tests can end it in every way, and what they need to watch it.

Here: `python -m atlas_pipeline_tests.local.owner STATE_FOLDER KIND`. It prints one line of JSON about its server and
holds the server until its standard input ends. On Ctrl-C it first proves that the server is still there.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
from pymongo import MongoClient

from atlas_pipeline.local.files import MONGODB, POSTGRESQL, ServerFiles, ServerKind
from atlas_pipeline.local.servers import mongodb, postgresql
from atlas_pipeline.settings import Settings
from atlas_pipeline_tests.waiting import DEADLINE_SECONDS

_ROOT = Path(__file__).resolve().parent.parent.parent


class Owner:
    """A running owner process."""

    def __init__(self, state: Path, kind: ServerKind) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(state), kind.key],
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
def owner(state: Path, kind: ServerKind = MONGODB) -> Iterator[Owner]:
    """An owner that is killed at the latest when the test ends."""
    running = Owner(state, kind)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def is_running(pid: int) -> bool:
    """True while the process lives; a zombie does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def mongods(state: Path) -> list[int]:
    """Process ids of all MongoDB servers on the data of this state folder."""
    return _with_words("--dbpath", str(state / "mongodb"))


def postgreses(state: Path) -> list[int]:
    """Process ids of all PostgreSQL servers on the data of this state folder; of each its first process."""
    return _with_words("-D", str(ServerFiles(state, POSTGRESQL).data))


def connect(address: str) -> psycopg.Connection[tuple[Any, ...]]:
    """A connection to the PostgreSQL with this SQLAlchemy URL; every statement is a transaction of its own."""
    return psycopg.connect(address.replace("postgresql+psycopg://", "postgresql://", 1), autocommit=True)


def _with_words(option: str, data: str) -> list[int]:
    lines = {process.pid: process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"])}
    # Its supervisor has the same words.
    return [pid for pid, line in lines.items() if line[1:3] == [option, data] and "-m" not in line]


def _main(state: Path, kind: str) -> None:
    settings = Settings(ATLAS_STATE_DIR=state)
    if kind == MONGODB.key:
        with mongodb(settings) as server:
            _hold(server.origin, server.pid, server.uri, lambda: _writes(server.uri))
    else:
        with postgresql(settings) as database:
            address = database.url("postgres")
            _hold(database.origin, database.pid, address, lambda: _answers(address))


def _hold(origin: str, pid: int | None, uri: str, is_there: Callable[[], bool]) -> None:
    _say({"origin": origin, "pid": pid, "uri": uri})
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        _say(is_there())


def _writes(uri: str) -> bool:
    with MongoClient[dict[str, Any]](uri) as client:
        return client.test.interrupted.insert_one({}).acknowledged


def _answers(address: str) -> bool:
    with connect(address) as connection:
        return connection.execute("SELECT true").fetchone() == (True,)


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _main(Path(sys.argv[1]), sys.argv[2])
