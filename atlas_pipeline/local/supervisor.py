"""The process between an embedded server and those who need it: it outlives them, so that the server does not.

Here: `python -m atlas_pipeline.local.supervisor`, which starts one server (or adopts one that lost its supervisor) and
stops it cleanly as soon as nobody holds the users' lock any more. The kernel frees that lock when a user dies in
whatever way, so no crash leaves a server behind. It runs in a session of its own, out of reach of Ctrl-C in the
terminal. Not here: whether and how a server is to be started (`atlas_pipeline.local.embedded`). Standard library only,
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
from contextlib import suppress
from pathlib import Path

from atlas_pipeline.local import accounts
from atlas_pipeline.local.accounts import Account, as_account
from atlas_pipeline.local.files import KINDS, ServerFiles, Supervision, dump
from atlas_pipeline.local.locks import FileLock, is_held

EXIT_LOOK_AGAIN = 75  # no server's own exit code
STOP_SECONDS = 120.0
_POLL_SECONDS = 0.1
_TAKEN_SECONDS = 2.0  # others look at the lock for an instant, which must not count as taken


class Supervisor:
    """Owns one server from its start, or its adoption, to its end."""

    def __init__(self, files: ServerFiles, port: int) -> None:
        self._files = files
        self._port = port
        self._lock = FileLock(files.supervisor_lock)
        self._child: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._stop = threading.Event()

    def run(self, command: Sequence[str], account: Account | None, adopt: int | None) -> int:
        """Supervise until the server is gone.

        Args:
            command: The server to start; empty when one is adopted.
            account: As whom it is to run; None means as ourselves.
            adopt: Process id of the server to adopt, or None.

        Returns:
            The exit code of the server. EXIT_LOOK_AGAIN when that says nothing about a new start: another supervisor
            lives, a process of the last server still works on the data, or the server was an adopted one.
        """
        if not self._lock.acquire(seconds=_TAKEN_SECONDS):
            return EXIT_LOOK_AGAIN
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: self._stop.set())
        if adopt is None:
            self._lock.write("")
            if not self._start(command, account):
                return EXIT_LOOK_AGAIN
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

    def _start(self, command: Sequence[str], account: Account | None) -> bool:
        """Start the server; False when a process of the last one is still there."""
        options = as_account(account, self._files.home)
        if self._files.kind.locks_data:
            self._child = subprocess.Popen(command, **options)
            return True
        # Every process of the server inherits the lock, so the kernel frees it when the last of them is gone.
        lock = FileLock(self._files.data_lock)
        if not lock.acquire(seconds=_TAKEN_SECONDS):
            return False
        self._child = subprocess.Popen(command, pass_fds=[lock.descriptor], **options)
        lock.release()
        return True

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
            self._files.publish(None)

    def _terminate(self) -> None:
        if self._is_alive():
            self._signal(self._files.kind.stop_signal)
        _wait_while(self._is_alive, STOP_SECONDS)
        if self._is_alive():
            self._signal(signal.SIGKILL)  # the journal makes this safe, only the next start is slower
            _wait_while(self._is_alive, STOP_SECONDS)

    def _signal(self, number: signal.Signals) -> None:
        # An adopted server may end between the question and the signal; whoever waits asks again.
        with suppress(ProcessLookupError):
            os.kill(self._pid, number)


def _wait_while(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while condition() and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS / 5)


def main(arguments: Sequence[str]) -> int:
    """Run a supervisor with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="python -m atlas_pipeline.local.supervisor", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="the state folder")
    parser.add_argument("--kind", choices=KINDS, required=True, help="the kind of server")
    parser.add_argument("--port", type=int, required=True, help="port of the server on 127.0.0.1")
    parser.add_argument("--account", type=accounts.load, help="user id and group id for the server")
    parser.add_argument("--adopt", type=int, help="process id of a server that lost its supervisor")
    parser.add_argument("command", nargs="*", help="the server and its arguments, after --")
    options = parser.parse_args(arguments)
    files = ServerFiles(options.state, KINDS[options.kind])
    return Supervisor(files, options.port).run(options.command, options.account, options.adopt)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
