"""The process between an embedded mongod and those who need it: it outlives them, so that mongod does not.

Here: `python -m atlas_pipeline.local.supervisor`, which starts one mongod (or adopts one that lost its supervisor) and
stops it cleanly as soon as nobody holds the users' lock any more. The kernel frees that lock when a user dies in
whatever way, so no crash leaves a server behind. It runs in a session of its own, out of reach of Ctrl-C in the
terminal. Not here: whether and how a mongod is to be started (`atlas_pipeline.local.embedded`). Standard library only,
because it must start fast.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from atlas_pipeline.local.files import MONGODB, ServerFiles, Supervision, dump
from atlas_pipeline.local.locks import FileLock, is_held

EXIT_LOOK_AGAIN = 75  # none of mongod's own exit codes
STOP_SECONDS = 120.0
_POLL_SECONDS = 0.1
_TAKEN_SECONDS = 2.0  # others look at the lock for an instant, which must not count as taken


class Supervisor:
    """Owns one mongod from its start, or its adoption, to its end."""

    def __init__(self, files: ServerFiles, port: int) -> None:
        self._files = files
        self._port = port
        self._lock = FileLock(files.supervisor_lock)
        self._child: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._stop = threading.Event()

    def run(self, command: Sequence[str], adopt: int | None) -> int:
        """Supervise until mongod is gone.

        Args:
            command: The mongod to start; empty when one is adopted.
            adopt: Process id of the mongod to adopt, or None.

        Returns:
            The exit code of mongod. EXIT_LOOK_AGAIN when that says nothing about a new start: another supervisor lives,
            or the mongod was an adopted one.
        """
        if not self._lock.acquire(seconds=_TAKEN_SECONDS):
            return EXIT_LOOK_AGAIN
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        if adopt is None:
            self._lock.write("")
            self._child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self._pid = self._child.pid if self._child else adopt or 0
        users = FileLock(self._files.users_lock)
        try:
            self._record(stopping=False)
            while self._is_alive() and not self._stop.wait(_POLL_SECONDS):
                if self._lock.lost() or self._unused(users):
                    break
        finally:
            self._end()
        if self._child is None:
            return EXIT_LOOK_AGAIN
        code = self._child.returncode
        return code if code >= 0 else 128 - code  # ended by a signal: as a shell says it

    def _record(self, *, stopping: bool) -> None:
        self._lock.write(dump(Supervision(os.getpid(), self._pid, self._port, stopping)))

    def _is_alive(self) -> bool:
        if self._child:
            return self._child.poll() is None
        return is_held(self._files.data_lock)  # no child of ours, but nothing else can hold this lock

    def _unused(self, users: FileLock) -> bool:
        """True when nobody needs the server; the users' lock then stays with us, so that newcomers wait for our end."""
        if self._files.keep.exists() or not users.try_acquire():
            return False
        if self._files.keep.exists():  # written while the last user still held its lock
            users.release()
            return False
        return True

    def _end(self) -> None:
        try:
            if not self._lock.lost():
                self._record(stopping=True)
        finally:
            self._terminate()
        if not self._lock.lost():
            self._files.publish(MONGODB, None)

    def _terminate(self) -> None:
        if self._is_alive():
            os.kill(self._pid, signal.SIGTERM)
        _wait_while(self._is_alive, STOP_SECONDS)
        if self._is_alive():
            os.kill(self._pid, signal.SIGKILL)  # the journal makes this safe, only the next start is slower
            _wait_while(self._is_alive, STOP_SECONDS)


def _wait_while(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS / 5)


def main(arguments: Sequence[str]) -> int:
    """Run a supervisor with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m atlas_pipeline.local.supervisor", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    parser.add_argument("--port", type=int, required=True, help="port of mongod on 127.0.0.1")
    parser.add_argument("--adopt", type=int, help="process id of a mongod that lost its supervisor")
    parser.add_argument("command", nargs="*", help="mongod and its arguments, after --")
    options = parser.parse_args(arguments)
    return Supervisor(ServerFiles(options.state), options.port).run(options.command, options.adopt)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
