"""Starting the supervisor of an embedded server, for a new server or for one that lost its supervisor.

Here: the process, its log, and what its early end means. Not here: when that is allowed
(`atlas_pipeline.local.embedded`) and what the process then does (`atlas_pipeline.local.supervisor`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from atlas_pipeline.errors import ServerUnavailableError
from atlas_pipeline.local import accounts, supervisor
from atlas_pipeline.local.engine import Engine
from atlas_pipeline.local.files import ServerFiles, Supervision

_IMPORT_ROOT = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Launch:
    """A supervisor on its way; `adopts` is True when its server was running before."""

    process: subprocess.Popen[bytes]
    adopts: bool


def launch(engine: Engine, *, same_port: bool) -> Launch:
    """Start a supervisor, with a new server or for the one that lost its own. Only under the start lock.

    With `same_port` the port of the last time is taken if it is free, so that the address stays. A launch may still
    fail: its process then ends, and `refuse_failed` tells whether another try makes sense.

    Raises:
        ServerUnavailableError: There is no server that runs here, or something else works on our data folder.
    """
    if orphan := find_orphan(engine):
        return adopt(engine, orphan)
    files = engine.files
    last = files.last_supervision()
    command = engine.prepare(last.port if last and same_port else None)
    files.keep.unlink(missing_ok=True)
    if files.log.exists():
        files.log.replace(files.log.with_suffix(".log.1"))
    account = ["--account", accounts.dump(command.account)] if command.account else []
    return Launch(_start_supervisor(files, command.port, [*account, "--", *command.line]), adopts=False)


def adopt(engine: Engine, orphan: Supervision) -> Launch:
    """Start a supervisor for a server that lost its own, as found by `find_orphan`. Only under the start lock."""
    return Launch(_start_supervisor(engine.files, orphan.port, ["--adopt", str(orphan.server)]), adopts=True)


def refuse_failed(engine: Engine, launched: Launch) -> None:
    """Raise when the last launch failed for a reason that another try would meet again.

    Raises:
        ServerUnavailableError: The server ended at its start; with its exit code and its last complaints.
    """
    code, complaints = launched.process.returncode, engine.complaints()
    if code == supervisor.EXIT_LOOK_AGAIN or engine.may_start_later(code, complaints):
        return
    name = engine.files.kind.name
    raise ServerUnavailableError(
        f"The embedded {name} in {engine.files.data} ended at its start (exit code {code}): {complaints}.",
        f"remove that cause; a data folder of a newer {name} needs that version, or move it away to begin anew.",
    )


def find_orphan(engine: Engine) -> Supervision | None:
    """A server of ours that lost its supervisor, recognised by the lock on our data and its command line.

    Raises:
        ServerUnavailableError: Something else works on our data folder.
    """
    files = engine.files
    pid = files.unsupervised_pid()
    if pid is None:
        return None
    line = command_line(pid)
    if line is None:
        return None
    if engine.is_ours(line):
        return Supervision(supervisor=0, server=pid, port=engine.port_of(line))
    if not files.kind.locks_data:
        return None  # only servers of ours hold that lock, and this one has not yet replaced an old process id
    raise ServerUnavailableError(
        f"Process {pid} works on {files.data} and was not started by this project.",
        f"stop process {pid}, or set {files.kind.variable} to its address.",
    )


def command_line(pid: int) -> list[str] | None:
    """The command line of a process, empty when we may not see it; None when there is no such process."""
    import psutil

    try:
        return psutil.Process(pid).cmdline()
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        return []


def _start_supervisor(files: ServerFiles, port: int, arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    line = [sys.executable, "-S", "-m", supervisor.__name__, "--state", str(files.state), "--kind", files.kind.key]
    line += ["--port", str(port)]
    descriptor = os.open(files.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        process = subprocess.Popen(
            [*line, *arguments],
            cwd=_IMPORT_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,  # Ctrl-C in the terminal is for the user of the server, not for the server
        )
    finally:
        os.close(descriptor)
    threading.Thread(target=process.wait, daemon=True).start()  # or it stays a zombie for as long as we live
    return process
